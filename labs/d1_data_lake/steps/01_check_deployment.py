"""Check the deployment

The three buckets must be private, versioned and encrypted with the lab's key, and must log who reads them. The work
group must not let a query choose otherwise, and the crawler must carry the security configuration.
"""

from labkit.session import Session, StepFailed

BUCKETS = ("RawBucketName", "CuratedBucketName", "ResultsBucketName")


def run(session: Session) -> None:
    outputs = session.outputs
    rows = [bucket(session, outputs[name]) for name in BUCKETS]
    session.table("Buckets", rows)
    for row in rows:
        if row["key"] != outputs["KeyArn"] or row["versions"] != "Enabled" or not row["private"]:
            raise StepFailed(f"Bucket {row['bucket']} is not as the lab makes it: {row}")

    group = session.client("athena").get_work_group(WorkGroup=outputs["WorkGroupName"])["WorkGroup"]["Configuration"]
    crawler = session.client("glue").get_crawler(Name=outputs["CrawlerName"])["Crawler"]
    session.table(
        "What asks and what finds",
        [
            {"what": "work group", "value": outputs["WorkGroupName"]},
            {"what": "settings enforced", "value": group["EnforceWorkGroupConfiguration"]},
            {"what": "bytes a query may scan", "value": f"{group['BytesScannedCutoffPerQuery']:,}"},
            {"what": "results", "value": group["ResultConfiguration"]["OutputLocation"]},
            {"what": "crawler", "value": f"{crawler['Name']}, {crawler['State']}"},
            {"what": "security configuration", "value": crawler.get("CrawlerSecurityConfiguration", "none")},
            {"what": "database", "value": crawler["DatabaseName"]},
        ],
    )
    if not group["EnforceWorkGroupConfiguration"]:
        raise StepFailed(f"Work group {outputs['WorkGroupName']} lets a query choose its own settings.")
    if crawler.get("CrawlerSecurityConfiguration") != outputs["SecurityConfigurationName"]:
        raise StepFailed(f"Crawler {crawler['Name']} has no security configuration.")


def bucket(session: Session, name: str) -> dict[str, object]:
    s3 = session.client("s3")
    encryption = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
    blocked = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    logging = s3.get_bucket_logging(Bucket=name).get("LoggingEnabled", {})
    return {
        "bucket": name,
        "key": encryption["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID", "none"),
        "versions": s3.get_bucket_versioning(Bucket=name).get("Status", "never"),
        "private": all(blocked.values()),
        "logged to": f"{logging.get('TargetBucket', 'nowhere')}/{logging.get('TargetPrefix', '')}",
    }
