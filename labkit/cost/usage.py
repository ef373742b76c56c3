"""Resource types that cost only what is used, and what drives it."""

from __future__ import annotations

from typing import NamedTuple


class Drive(NamedTuple):
    """A unit price and what makes it run."""

    service: str
    item: str
    why: str


#: Resource type to the prices that use drives.
USAGE: dict[str, tuple[Drive, ...]] = {
    "AWS::Logs::LogGroup": (
        Drive("CloudWatch Logs", "Ingest", "what is logged"),
        Drive("CloudWatch Logs", "Storage", "what is kept until its retention ends"),
    ),
    "AWS::Logs::MetricFilter": (Drive("CloudWatch", "Custom metric", "each metric, in hours in which it has data"),),
    "AWS::EC2::FlowLog": (Drive("CloudWatch Logs", "Ingest", "one record per connection and interval"),),
    "AWS::SNS::Topic": (
        Drive("SNS", "Requests beyond 1 million", "each message"),
        Drive("SNS", "Emails beyond 1000", "each email"),
    ),
    "AWS::Events::EventBus": (Drive("EventBridge", "Custom events", "each event put on the bus"),),
    "AWS::Scheduler::Schedule": (
        Drive("EventBridge Scheduler", "Invocations beyond 14 million a month", "each invocation"),
    ),
    "AWS::Glue::Database": (Drive("Glue", "Data Catalog objects over 1 million", "tables and partitions"),),
    "AWS::Glue::Table": (Drive("Glue", "Data Catalog objects over 1 million", "tables and partitions"),),
    "AWS::Glue::Crawler": (Drive("Glue", "Crawler", "each crawl"),),
    "AWS::Glue::DataQualityRuleset": (Drive("Glue", "Data Quality", "each evaluation"),),
    "AWS::DataBrew::Job": (Drive("Glue DataBrew", "Job node", "each job run"),),
    "AWS::Athena::WorkGroup": (Drive("Athena", "Data scanned", "each query, 10 MB at least"),),
    "AWS::KinesisFirehose::DeliveryStream": (
        Drive("Data Firehose", "Ingest", "what is delivered, records rounded up to 5 KB"),
        Drive("Data Firehose", "Format conversion", "what is converted to Parquet or ORC"),
        Drive("Data Firehose", "Dynamic partitioning", "what is partitioned"),
    ),
    "AWS::DynamoDB::Table": (
        Drive("DynamoDB", "On-demand writes", "each write unit"),
        Drive("DynamoDB", "On-demand reads", "each read unit"),
        Drive("DynamoDB", "Storage", "what is stored beyond 25 GB"),
    ),
    "AWS::ECR::Repository": (Drive("ECR", "Private storage", "image layers"),),
    "AWS::EFS::FileSystem": (
        Drive("EFS", "Standard storage", "what is stored"),
        Drive("EFS", "Elastic throughput", "what is read and written"),
    ),
    "AWS::CloudTrail::Trail": (Drive("CloudTrail", "Data events", "each data event logged"),),
    "AWS::Config::ConfigRule": (Drive("Config", "Rule evaluations", "each evaluation"),),
    "AWS::Config::ConfigurationRecorder": (Drive("Config", "Configuration items", "each change recorded"),),
    "AWS::SageMaker::Space": (Drive("SageMaker", "Studio space storage", "the size of the space"),),
    "AWS::SageMaker::Domain": (
        Drive("SageMaker", "ml.t3.medium JupyterLab", "each hour an app runs; larger types cost more"),
        Drive("EFS", "Standard storage", "home folders"),
    ),
}
