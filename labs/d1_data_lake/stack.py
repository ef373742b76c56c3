"""Keep one data set in six formats, find its tables, and query them within limits.

steps ──► raw bucket ──────┐              ┌──► database ◄── Athena work group ──► results bucket
          csv, json        ├──► crawler ──┘    (tables)     10 MB a query         a week
steps ──► curated bucket ──┘
          parquet, orc, avro, recordio         one KMS key, one bucket of access logs
"""

from stacks.lab_stack import LabStack
from stacks.secure.bucket import Bucket, LogBucket, lifecycle_rule
from stacks.secure.catalogue import Crawler, GlueDatabase, GlueSecurityConfiguration
from stacks.secure.key import Key
from stacks.secure.workgroup import NamedQuery, WorkGroup

# A folder is a table. Glue does not know RecordIO: flights_recordio is read by SageMaker, not by Athena.
RAW = ("flights_csv", "flights_json", "flights_copies")
CURATED = ("flights_parquet", "flights_orc", "flights_avro")
SCAN_LIMIT = 10_000_000  # bytes, the least that Athena allows
ACCELERATED = False  # Transfer Acceleration: for uploads from another continent; not in aws-cn and aws-us-gov


class DataLake(LabStack):
    def build(self) -> None:
        key = Key(self, "Key")
        logs = LogBucket(self, "AccessLogs", key=key)
        raw = Bucket(self, "Raw", key=key, logs=logs, accelerated=ACCELERATED)
        curated = Bucket(self, "Curated", key=key, logs=logs, lifecycle=[lifecycle_rule("tiered", tier_after=0)])
        results = Bucket(
            self,
            "Results",
            key=key,
            logs=logs,
            lifecycle=[lifecycle_rule("short-lived", days_kept=7, old_versions_kept=1)],
        )

        database = GlueDatabase(self, "Flights")
        security = GlueSecurityConfiguration(self, "Security", key=key)
        crawler = Crawler(
            self, "Crawler", database=database, folders={raw: RAW, curated: CURATED}, security=security, key=key
        )

        workgroup = WorkGroup(self, "WorkGroup", results=results, scan_limit=SCAN_LIMIT)
        for file in sorted(self.src("queries").glob("*.sql")):
            name = file.stem.title().replace("_", "")
            NamedQuery(self, f"Query{name}", workgroup=workgroup, database=database, file=file)

        self.give("KeyArn", key.arn)
        self.give("AccessLogsBucketName", logs.ref)
        self.give("RawBucketName", raw.ref)
        self.give("CuratedBucketName", curated.ref)
        self.give("ResultsBucketName", results.ref)
        self.give("RawTableNames", ",".join(RAW))
        self.give("CuratedTableNames", ",".join(CURATED))
        self.give("DatabaseName", database.ref)
        self.give("CrawlerName", crawler.ref)
        self.give("CrawlerLogGroupName", crawler.logs.ref)
        self.give("SecurityConfigurationName", security.ref)
        self.give("WorkGroupName", workgroup.ref)
        self.give("ScanLimitBytes", str(SCAN_LIMIT))
