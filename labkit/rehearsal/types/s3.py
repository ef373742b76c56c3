"""S3: buckets with what belongs to them, and bucket policies."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from labkit.rehearsal.stacks.faults import ResourceFailed
from labkit.rehearsal.types.row import Made, Row, Scene


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Part:
    """One property of a bucket that has API calls of its own.

    Args:
        member: the parameter of ``put`` that holds the property.
        into: the property as the API has it.
        read: the operation that reads it back, with the member of its answer ("" for the whole answer).
        delete: the operation that removes it; "" where ``off`` is put instead.
    """

    put: str
    member: str
    into: Callable[[Any], Any]
    read: tuple[str, str]
    delete: str = ""
    off: Any = None


def _encryption(value: Any) -> Any:
    rules = [
        {
            ("ApplyServerSideEncryptionByDefault" if key == "ServerSideEncryptionByDefault" else key): item
            for key, item in rule.items()
        }
        for rule in value["ServerSideEncryptionConfiguration"]
    ]
    return {"Rules": rules}


def _logging(value: Any) -> Any:
    return {
        "LoggingEnabled": {
            ({"DestinationBucketName": "TargetBucket", "LogFilePrefix": "TargetPrefix"}.get(key, key)): item
            for key, item in {"LogFilePrefix": "", **value}.items()
        }
    }


def _notification(value: Any) -> Any:
    made: dict[str, Any] = {}
    for kind, target in (("Lambda", "Function"), ("Queue", "Queue"), ("Topic", "Topic")):
        entries = value.get(f"{kind}Configurations") or []
        made[{"Lambda": "LambdaFunctionConfigurations"}.get(kind, f"{kind}Configurations")] = [
            {
                {"Lambda": "LambdaFunctionArn", "Queue": "QueueArn", "Topic": "TopicArn"}[kind]: entry[target],
                "Events": [entry["Event"]],
                **(
                    {"Filter": {"Key": {"FilterRules": entry["Filter"]["S3Key"]["Rules"]}}} if "Filter" in entry else {}
                ),
            }
            for entry in entries
        ]
    bridge = value.get("EventBridgeConfiguration")
    if bridge is not None and str(bridge.get("EventBridgeEnabled", True)).lower() == "true":
        made["EventBridgeConfiguration"] = {}
    return {key: item for key, item in made.items() if item or key == "EventBridgeConfiguration"}


def _transition(value: Any) -> Any:
    names = {"TransitionInDays": "Days", "TransitionDate": "Date"}
    return {names.get(key, key): item for key, item in value.items()}


def _old_transition(value: Any) -> Any:
    return {("NoncurrentDays" if key == "TransitionInDays" else key): item for key, item in value.items()}


def _where(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule's filter as the API has it: one criterion alone, several under And."""
    tags = rule.pop("TagFilters", [])
    found: dict[str, Any] = {
        key: rule.pop(key) for key in ("Prefix", "ObjectSizeGreaterThan", "ObjectSizeLessThan") if key in rule
    }
    if len(found) + len(tags) > 1:
        return {"And": {**found, **({"Tags": tags} if tags else {})}}
    return {"Tag": tags[0]} if tags else found or {"Prefix": ""}


def _lifecycle(value: Any) -> Any:
    rules = []
    for given in value["Rules"]:
        rule = dict(given)
        made: dict[str, Any] = {"Filter": _where(rule), "Status": rule.pop("Status")}
        if "Id" in rule:
            made["ID"] = rule.pop("Id")
        expiry = {
            name: rule.pop(key)
            for key, name in (
                ("ExpirationInDays", "Days"),
                ("ExpirationDate", "Date"),
                ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker"),
            )
            if key in rule
        }
        if expiry:
            made["Expiration"] = expiry
        moves = rule.pop("Transitions", []) + ([rule.pop("Transition")] if "Transition" in rule else [])
        if moves:
            made["Transitions"] = [_transition(move) for move in moves]
        old = rule.pop("NoncurrentVersionTransitions", []) + (
            [rule.pop("NoncurrentVersionTransition")] if "NoncurrentVersionTransition" in rule else []
        )
        if old:
            made["NoncurrentVersionTransitions"] = [_old_transition(move) for move in old]
        if "NoncurrentVersionExpirationInDays" in rule:
            made["NoncurrentVersionExpiration"] = {"NoncurrentDays": rule.pop("NoncurrentVersionExpirationInDays")}
        rules.append({**made, **rule})
    return {"Rules": rules}


def _cors(value: Any) -> Any:
    names = {"Id": "ID", "MaxAge": "MaxAgeSeconds", "ExposedHeaders": "ExposeHeaders"}
    return {"CORSRules": [{names.get(key, key): item for key, item in rule.items()} for rule in value["CorsRules"]]}


PARTS = {
    "VersioningConfiguration": Part(
        "PutBucketVersioning",
        "VersioningConfiguration",
        _same,
        ("GetBucketVersioning", ""),
        off={"Status": "Suspended"},
    ),
    "OwnershipControls": Part(
        "PutBucketOwnershipControls",
        "OwnershipControls",
        _same,
        ("GetBucketOwnershipControls", "OwnershipControls"),
        "DeleteBucketOwnershipControls",
    ),
    "PublicAccessBlockConfiguration": Part(
        "PutPublicAccessBlock",
        "PublicAccessBlockConfiguration",
        _same,
        ("GetPublicAccessBlock", "PublicAccessBlockConfiguration"),
        "DeletePublicAccessBlock",
    ),
    "BucketEncryption": Part(
        "PutBucketEncryption",
        "ServerSideEncryptionConfiguration",
        _encryption,
        ("GetBucketEncryption", "ServerSideEncryptionConfiguration"),
        "DeleteBucketEncryption",
    ),
    "LoggingConfiguration": Part("PutBucketLogging", "BucketLoggingStatus", _logging, ("GetBucketLogging", ""), off={}),
    "LifecycleConfiguration": Part(
        "PutBucketLifecycleConfiguration",
        "LifecycleConfiguration",
        _lifecycle,
        ("GetBucketLifecycleConfiguration", ""),
        "DeleteBucketLifecycle",
    ),
    "NotificationConfiguration": Part(
        "PutBucketNotificationConfiguration",
        "NotificationConfiguration",
        _notification,
        ("GetBucketNotificationConfiguration", ""),
        off={},
    ),
    "AccelerateConfiguration": Part(
        "PutBucketAccelerateConfiguration",
        "AccelerateConfiguration",
        lambda value: {"Status": value["AccelerationStatus"]},
        ("GetBucketAccelerateConfiguration", ""),
        off={"Status": "Suspended"},
    ),
    "CorsConfiguration": Part("PutBucketCors", "CORSConfiguration", _cors, ("GetBucketCors", ""), "DeleteBucketCors"),
    "ObjectLockConfiguration": Part(
        "PutObjectLockConfiguration",
        "ObjectLockConfiguration",
        _same,
        ("GetObjectLockConfiguration", "ObjectLockConfiguration"),
        off={"ObjectLockEnabled": "Enabled"},
    ),
    "ReplicationConfiguration": Part(
        "PutBucketReplication",
        "ReplicationConfiguration",
        _same,
        ("GetBucketReplication", "ReplicationConfiguration"),
        "DeleteBucketReplication",
    ),
    "Tags": Part(
        "PutBucketTagging", "Tagging", lambda value: {"TagSet": value}, ("GetBucketTagging", ""), "DeleteBucketTagging"
    ),
}


def _tiering(entry: dict[str, Any]) -> dict[str, Any]:
    rule = dict(entry)
    where = _where(rule)
    return {
        "Id": rule["Id"],
        "Status": rule["Status"],
        "Tierings": rule["Tierings"],
        **({} if where == {"Prefix": ""} else {"Filter": where}),
    }


def _metrics(entry: dict[str, Any]) -> dict[str, Any]:
    rule = dict(entry)
    where = _where(rule)
    return {"Id": rule["Id"], **({} if where == {"Prefix": ""} else {"Filter": where})}


# Lists whose entries have an identifier and a call each: property -> operation noun, parameter, transformation.
LISTS: dict[str, tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "IntelligentTieringConfigurations": ("IntelligentTieringConfiguration", _tiering),
    "MetricsConfigurations": ("MetricsConfiguration", _metrics),
}


def _create(scene: Scene) -> Made:
    name = scene.name("BucketName", longest=63, lower=True)
    lock = scene.take("ObjectLockEnabled").get("ObjectLockEnabled")
    parameters: dict[str, Any] = {"Bucket": name}
    if scene.region != "us-east-1":
        parameters["CreateBucketConfiguration"] = {"LocationConstraint": scene.region}
    if str(lock).lower() == "true":
        parameters["ObjectLockEnabledForBucket"] = True
    if any(bucket["Name"] == name for bucket in scene.call("s3", "ListBuckets", {})["Buckets"]):
        raise ResourceFailed(f"{name} already exists (HandlerErrorCode: AlreadyExists)")
    scene.call("s3", "CreateBucket", parameters)
    scene.physical_id = name
    return _configure(scene)


def _configure(scene: Scene) -> Made:
    name = scene.physical_id
    scene.take("BucketName", "ObjectLockEnabled")
    for property, part in PARTS.items():
        given = scene.take(property).get(property)
        if not scene.changed(property):
            continue
        if given is not None:
            sent = part.into(given)
            if property == "LoggingConfiguration":
                sent["LoggingEnabled"].setdefault("TargetBucket", name)
            scene.call("s3", part.put, {"Bucket": name, part.member: sent}, under="")
            answer = scene.call("s3", part.read[0], {"Bucket": name})
            scene.kept(sent, answer[part.read[1]] if part.read[1] else answer)
        elif part.delete:
            scene.call("s3", part.delete, {"Bucket": name})
        else:
            scene.call("s3", part.put, {"Bucket": name, part.member: part.off})
    for property, (noun, into) in LISTS.items():
        wanted = {entry["Id"]: into(entry) for entry in scene.take(property).get(property) or []}
        for entry in scene.old.get(property) or []:
            if entry["Id"] not in wanted:
                scene.call("s3", f"DeleteBucket{noun}", {"Bucket": name, "Id": entry["Id"]})
        for identifier, sent in wanted.items():
            scene.call("s3", f"PutBucket{noun}", {"Bucket": name, "Id": identifier, noun: sent})
            scene.kept(sent, scene.call("s3", f"GetBucket{noun}", {"Bucket": name, "Id": identifier})[noun])
    suffix = "amazonaws.com.cn" if scene.partition == "aws-cn" else "amazonaws.com"
    return Made(
        name,
        {
            "Arn": f"arn:{scene.partition}:s3:::{name}",
            "DomainName": f"{name}.s3.{suffix}",
            "RegionalDomainName": f"{name}.s3.{scene.region}.{suffix}",
            "DualStackDomainName": f"{name}.s3.dualstack.{scene.region}.{suffix}",
            "WebsiteURL": f"http://{name}.s3-website-{scene.region}.{suffix}",
        },
    )


def _delete(scene: Scene) -> None:
    scene.call("s3", "DeleteBucket", {"Bucket": scene.physical_id})


def _put_policy(scene: Scene) -> Made:
    given = scene.rest()
    bucket = given["Bucket"]
    if not scene.old:
        try:
            scene.call("s3", "GetBucketPolicy", {"Bucket": bucket})
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
                raise
        else:
            raise ResourceFailed(f"The bucket policy already exists on bucket {bucket}.")
    document = given["PolicyDocument"]
    scene.call("s3", "PutBucketPolicy", {"Bucket": bucket, "Policy": json.dumps(document)})
    scene.kept(document, json.loads(scene.call("s3", "GetBucketPolicy", {"Bucket": bucket})["Policy"]))
    return Made(bucket)


def _delete_policy(scene: Scene) -> None:
    scene.call("s3", "DeleteBucketPolicy", {"Bucket": scene.physical_id})


ROWS = [
    Row(
        type="AWS::S3::Bucket",
        label="executed",
        create=_create,
        update=_configure,
        delete=_delete,
        notes=(
            "objects are stored and versioned, and access is logged; encryption is noted, not done; lifecycle, "
            "tiering and replication are recorded",
        ),
    ),
    Row(
        type="AWS::S3::BucketPolicy",
        label="recorded",
        create=_put_policy,
        update=_put_policy,
        delete=_delete_policy,
        notes=("a Deny with a condition, such as TLS only, is stored and not enforced",),
    ),
]
