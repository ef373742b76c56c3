"""The CloudFormation action: stacks created, changed, replaced and deleted from files of an artifact."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime.codepipeline_artifacts import ActionFailed, parsed, zipped
from labkit.rehearsal.runtime.codepipeline_records import ActionRun, Execution

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context
    from labkit.rehearsal.runtime.codepipeline_actions import Actions

_GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
# "If the stack exists and is in a failed state": these are deleted and created anew by REPLACE_ON_FAILURE.
_FAILED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED")
_LARGEST_BODY = 51_200


def deploy(context: Context, actions: Actions, execution: Execution, action: ActionRun) -> None:
    """Carry out the action's mode and enter the stack's outputs as variables.

    Raises:
        ActionFailed: the stack did not become what was asked for.
    """
    run = _Deployment(context, actions, execution, action)
    mode = action.resolved.get("ActionMode", "")
    modes = {
        "CREATE_UPDATE": lambda: run.apply(run.request(), replace=False),
        "REPLACE_ON_FAILURE": lambda: run.apply(run.request(), replace=True),
        "DELETE_ONLY": run.delete,
        "CHANGE_SET_REPLACE": run.keep_change_set,
        "CHANGE_SET_EXECUTE": run.execute_change_set,
    }
    if mode not in modes:
        raise ActionFailed(f"ActionMode {mode} given; allowed: {', '.join(modes)}", "ConfigurationError")
    modes[mode]()


class _Deployment:
    def __init__(self, context: Context, actions: Actions, execution: Execution, action: ActionRun) -> None:
        self._context, self._actions = context, actions
        self._execution, self._action = execution, action
        self._config = action.resolved
        self._name = self._config["StackName"]
        self._client = context.client("cloudformation")

    def request(self) -> dict[str, Any]:
        """The parameters of CreateStack and UpdateStack."""
        config = self._config
        files = self._actions.artifacts
        template = files.file(self._execution, config["TemplatePath"])
        settings: dict[str, Any] = {}
        if reference := config.get("TemplateConfiguration"):
            settings = parsed(files.file(self._execution, reference), "TemplateConfiguration")
        values = {**settings.get("Parameters", {}), **self._overrides()}
        if settings.get("StackPolicy"):
            self._context.ledger.note("a stack policy is not enforced", about=self._execution.pipeline)
        made: dict[str, Any] = {
            "StackName": self._name,
            "Parameters": [{"ParameterKey": name, "ParameterValue": str(item)} for name, item in values.items()],
            "Capabilities": [item.strip() for item in config.get("Capabilities", "").split(",") if item.strip()],
            "Tags": [{"Key": name, "Value": item} for name, item in settings.get("Tags", {}).items()],
            **({"RoleARN": config["RoleArn"]} if config.get("RoleArn") else {}),
        }
        if len(template.encode()) <= _LARGEST_BODY:
            return {**made, "TemplateBody": template}
        store = files.store_of(self._execution)["location"]
        key = f"{self._execution.pipeline[:20]}/templates/{self._action.id}"
        self._context.client("s3").put_object(Bucket=store, Key=key, Body=template.encode())
        return {**made, "TemplateURL": f"{self._context.url}/{store}/{key}"}

    def apply(self, request: dict[str, Any], *, replace: bool) -> None:
        """Create the stack or change it."""
        from botocore.exceptions import ClientError

        status = self._status()
        if replace and status in _FAILED:
            self.delete()
            status = ""
        try:
            if not status:
                self._action.external_id = self._client.create_stack(**request)["StackId"]
            else:
                self._action.external_id = self._client.update_stack(**request)["StackId"]
        except ClientError as error:
            message = error.response["Error"]["Message"]
            if "No updates are to be performed" not in message:
                raise ActionFailed(message, "ConfigurationError") from None
        self._settle()

    def delete(self) -> None:
        """Delete the stack; one that is not there counts as deleted."""
        if not self._status():
            return
        self._client.delete_stack(StackName=self._name)
        self._actions.wait(self._action, lambda: not self._status().endswith("IN_PROGRESS"))
        if status := self._status():
            raise ActionFailed(f"The stack {self._name} is in {status}: {self._reason()}")

    def keep_change_set(self) -> None:
        """Keep what would be changed for the action that executes it."""
        name = self._config["ChangeSetName"]
        self._context.ledger.note(
            "a change set holds the whole template; its list of changes is not computed", about=self._execution.pipeline
        )
        self._actions.changes[self._name, name] = self.request()
        self._action.summary = f"Change set {name} was created."

    def execute_change_set(self) -> None:
        """Apply what was kept."""
        name = self._config["ChangeSetName"]
        request = self._actions.changes.pop((self._name, name), None)
        if request is None:
            raise ActionFailed(f"ChangeSet [{name}] does not exist", "ConfigurationError")
        self.apply(request, replace=False)

    def _settle(self) -> None:
        self._actions.wait(self._action, lambda: not self._status().endswith("IN_PROGRESS"))
        if self._action.status == "Abandoned":
            return
        if self._status() not in _GOOD:
            raise ActionFailed(f"The stack {self._name} is in {self._status()}: {self._reason()}")
        found = self._client.describe_stacks(StackName=self._name)["Stacks"][0].get("Outputs", [])
        outputs = {item["OutputKey"]: item["OutputValue"] for item in found}
        self._action.variables = outputs
        produced = [item["name"] for item in self._action.declared.get("outputArtifacts") or []]
        if (file := self._config.get("OutputFileName")) and produced:
            content = zipped({file: json.dumps(outputs)})
            self._action.outputs[produced[0]] = self._actions.artifacts.write(self._execution, produced[0], content)

    def _status(self) -> str:
        from botocore.exceptions import ClientError

        try:
            return str(self._client.describe_stacks(StackName=self._name)["Stacks"][0]["StackStatus"])
        except ClientError:
            return ""

    def _reason(self) -> str:
        events = self._client.describe_stack_events(StackName=self._name)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
        last = failed[-1] if failed else {}
        return f"{last.get('LogicalResourceId', '')} {last.get('ResourceStatusReason', '')}".strip()

    def _overrides(self) -> dict[str, str]:
        given = parsed(self._config.get("ParameterOverrides") or "{}", "ParameterOverrides")
        return {name: self._value(item) for name, item in given.items()}

    def _value(self, item: Any) -> str:
        if not isinstance(item, dict):
            return str(item)
        files = self._actions.artifacts
        if "Fn::GetParam" in item:
            artifact, file, key = item["Fn::GetParam"]
            found = parsed(files.file(self._execution, f"{artifact}::{file}"), file)
            if key not in found:
                raise ActionFailed(f"Fn::GetParam: {file} has no key {key}", "ConfigurationError")
            return str(found[key])
        if "Fn::GetArtifactAtt" in item:
            artifact, attribute = item["Fn::GetArtifactAtt"]
            files.read(self._execution, artifact)
            place = self._execution.artifacts[artifact]
            url = f"https://{place.bucket}.s3.{self._context.region}.amazonaws.com/{place.key}"
            known = {"BucketName": place.bucket, "ObjectKey": place.key, "URL": url}
            if attribute in known:
                return known[attribute]
        raise ActionFailed(
            f"ParameterOverrides: {item} given; Fn::GetParam and Fn::GetArtifactAtt are allowed", "ConfigurationError"
        )
