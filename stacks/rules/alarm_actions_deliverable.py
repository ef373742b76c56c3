"""An alarm's message reaches the encrypted topic it is sent to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stacks.rules.kit.keys import is_customer_key
from stacks.rules.kit.policy import Statement, policies_on, statements
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template

_ALARMS = "cloudwatch.amazonaws.com"
_NEEDED = ("kms:Decrypt", "kms:GenerateDataKey")


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    seen: set[str] = set()
    for kind in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        for path, value in resource.each(f"{kind}.*"):
            topic = template.target(value, "AWS::SNS::Topic")
            if topic is not None and topic.logical_id not in seen:
                seen.add(topic.logical_id)
                yield from _key(path, topic, template)
                yield from _topic_policy(path, topic, template)


def _key(path: str, topic: Resource, template: Template) -> Iterator[Problem]:
    where = f"{path}: {topic.logical_id}.KmsMasterKeyId"
    for _, value in topic.each("KmsMasterKeyId"):
        key = template.target(value, "AWS::KMS::Key")
        if key is None:
            given = is_customer_key(value, template)
            what = (
                "the key is not in this template, so its policy is not known" if given else "no key lets alarms use it"
            )
            yield Problem(where, value, what, undecided=given)
            continue
        allowed = [one for one in statements(key, "KeyPolicy") if _for_alarms(one)]
        missing = [action for action in _NEEDED if not any(one.covers(action) for one in allowed)]
        if missing:
            yield Problem(f"{key.logical_id}.KeyPolicy", None, f"{_ALARMS} lacks {' and '.join(missing)}")


def _topic_policy(path: str, topic: Resource, template: Template) -> Iterator[Problem]:
    found = [one for _, one in policies_on(template, "AWS::SNS::TopicPolicy", "Topics.*", topic)]
    # Without a policy of its own a topic accepts the account's alarms.
    if found and not any(_for_alarms(one) and one.covers("sns:Publish") for one in found):
        yield Problem(f"{path}: TopicPolicy", None, f"{_ALARMS} may not publish to {topic.logical_id}")


def _for_alarms(statement: Statement) -> bool:
    return statement.allows and _ALARMS in statement.principals.get("Service", ())


RULE = Rule(
    id="alarm-actions-deliverable",
    title="An alarm may use the key and the topic it notifies",
    why="The alarm fires, the publication fails, and nobody hears of it.",
    fix="Let cloudwatch.amazonaws.com call kms:Decrypt and kms:GenerateDataKey in the key policy, and sns:Publish in "
    "the topic policy.",
    source="https://repost.aws/knowledge-center/cloudwatch-configure-alarm-sns",
    controls=("SecurityHub CloudWatch.15", "NIST AU-6", "NIST IR-4(1)", "NIST SI-4(12)"),
    types=("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"),
    check=check,
)
