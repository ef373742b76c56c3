"""Script mode as the XGBoost and scikit-learn images have it: how the user's module is found, started and told its settings.

After aws/sagemaker-containers 2.8, which those images carry: the code is unpacked to /opt/ml/code, installed with pip,
and run as ``python -m MODULE --name value ...`` with ``SM_...`` variables.
"""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime import artefact
from labkit.rehearsal.runtime.jobs import JobError

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

CODE = "/opt/ml/code"
PYTHON = "/miniconda3/bin/python3"
IMAGES = ("xgboost", "scikit-learn")
_OWN = "sagemaker_"


def hyperparameters(request: dict[str, Any]) -> dict[str, Any]:
    """The hyperparameters as the toolkit reads them: JSON where it is JSON, text otherwise."""
    read = {}
    for name, text in (request.get("HyperParameters") or {}).items():
        try:
            read[name] = json.loads(text)
        except ValueError:
            read[name] = text
    return read


def program(request: dict[str, Any]) -> str | None:
    """The file of the user's module; None means that the image is to train by itself."""
    given = hyperparameters(request).get("sagemaker_program")
    return (request.get("Environment") or {}).get("SAGEMAKER_PROGRAM") or (str(given) if given else None)


def unpack(context: Context, request: dict[str, Any], ml: Path) -> None:
    """Put the user's code into ``/opt/ml/code``.

    Raises:
        JobError: it cannot be had, in the toolkit's words.
    """
    code = ml / "code"
    code.mkdir(exist_ok=True)
    environment = request.get("Environment") or {}
    where = str(
        environment.get("SAGEMAKER_SUBMIT_DIRECTORY")
        or hyperparameters(request).get("sagemaker_submit_directory", CODE)
    )
    isolated = bool(request.get("EnableNetworkIsolation"))
    if where.startswith("s3://"):
        if isolated:
            raise _framework("EndpointConnectionError", f"Could not connect to the endpoint URL of {where}")
        archive = code.parent.parent / "sourcedir.tar.gz"
        try:
            archive.write_bytes(artefact.read(context, where))
        except artefact.ServingError as error:
            raise _framework("ClientError", f"{where}: Not Found") from error
    else:
        archive = ml / where.removeprefix("file://").removeprefix("/opt/ml").lstrip("/")
    if archive.is_dir():
        if archive != code:
            shutil.copytree(archive, code, dirs_exist_ok=True)
    elif not archive.is_file():
        raise _framework("FileNotFoundError", f"[Errno 2] No such file or directory: '{where}'")
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tar:
            tar.extractall(code, filter="data")
    else:
        shutil.copy2(archive, code)
    _install(context, code, environment, isolated)


def _install(context: Context, code: Path, environment: dict[str, str], isolated: bool) -> None:
    """What ``pip install .`` needs: no index without a network."""
    command = f"{PYTHON} -m pip install . " + ("-r requirements.txt" if (code / "requirements.txt").exists() else "")
    if isolated and environment.get("PIP_NO_BUILD_ISOLATION", "").lower() not in ("false", "0", "no", "off"):
        # pip reads the variable as the negation of its name (pip documentation: PIP_NO_BUILD_ISOLATION).
        raise JobError(f'AlgorithmError: InstallModuleError:\nCommand "{command}", exit code: 1')
    if (code / "requirements.txt").exists():
        if isolated:
            raise JobError(f'AlgorithmError: InstallModuleError:\nCommand "{command}", exit code: 1')
        context.ledger.note("requirements.txt is not installed; the packages of this machine are used")


def _framework(kind: str, text: str) -> JobError:
    return JobError(f"AlgorithmError: framework error: \n{kind}: {text}, exit code: 1")


def command(request: dict[str, Any]) -> list[str]:
    """The program and its arguments."""
    return ["python3", "-m", _module(request), *_arguments(request)]


def shown_command(request: dict[str, Any]) -> str:
    """The command as the toolkit's messages show it."""
    return " ".join([PYTHON, *command(request)[1:]])


def _module(request: dict[str, Any]) -> str:
    return str(program(request)).removesuffix(".py")


def _arguments(request: dict[str, Any]) -> list[str]:
    arguments = []
    for name, value in sorted(_of_user(request).items()):
        arguments += [f"--{name}" if len(name) > 1 else f"-{name}", _argument(value)]
    return arguments


def _argument(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}={each}" for name, each in sorted(value.items()))
    return "" if value is None else str(value)


def _of_user(request: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in hyperparameters(request).items() if not name.startswith(_OWN)}


def input_data_config(request: dict[str, Any]) -> dict[str, Any]:
    """``inputdataconfig.json``: each channel without where it came from."""
    return {
        channel["ChannelName"]: {
            "TrainingInputMode": channel.get("InputMode") or request["AlgorithmSpecification"]["TrainingInputMode"],
            "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                "S3DataDistributionType", "FullyReplicated"
            ),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
            **({"ContentType": channel["ContentType"]} if channel.get("ContentType") else {}),
        }
        for channel in request.get("InputDataConfig") or []
    }


def resource_config(request: dict[str, Any]) -> dict[str, Any]:
    """``resourceconfig.json`` of the only host."""
    kind = request["ResourceConfig"].get("InstanceType", "ml.m5.large")
    return {
        "current_host": "algo-1",
        "current_instance_type": kind,
        "current_group_name": "homogeneousCluster",
        "hosts": ["algo-1"],
        "instance_groups": [{"instance_group_name": "homogeneousCluster", "instance_type": kind, "hosts": ["algo-1"]}],
        "network_interface_name": "eth0",
    }


def variables(request: dict[str, Any], *, cpus: int) -> dict[str, str]:
    """The ``SM_...`` variables."""
    own = hyperparameters(request)
    user = _of_user(request)
    channels = {
        channel["ChannelName"]: f"/opt/ml/input/data/{channel['ChannelName']}" for channel in _channels(request)
    }
    environment = request.get("Environment") or {}
    place = environment.get("SAGEMAKER_SUBMIT_DIRECTORY") or own.get("sagemaker_submit_directory", CODE)
    values: dict[str, Any] = {
        "hosts": ["algo-1"],
        "network_interface_name": "eth0",
        "hps": user,
        "user_entry_point": program(request),
        "framework_params": {},
        "resource_config": resource_config(request),
        "input_data_config": input_data_config(request),
        "output_data_dir": "/opt/ml/output/data",
        "channels": sorted(channels),
        "current_host": "algo-1",
        "module_name": _module(request),
        "log_level": own.get("sagemaker_container_log_level", 20),
        "framework_module": "",
        "input_dir": "/opt/ml/input",
        "input_config_dir": "/opt/ml/input/config",
        "output_dir": "/opt/ml/output",
        "num_cpus": cpus,
        "num_gpus": 0,
        "model_dir": "/opt/ml/model",
        "module_dir": place,
        "user_args": _arguments(request),
        "output_intermediate_dir": "/opt/ml/output/intermediate",
        **{f"channel_{name}": path for name, path in channels.items()},
        **{f"hp_{name}": value for name, value in user.items()},
    }
    values["training_env"] = {name: value for name, value in values.items() if not name.startswith(("channel_", "hp_"))}
    return {f"SM_{name.upper()}": _text(value) for name, value in values.items()}


def _channels(request: dict[str, Any]) -> list[dict[str, Any]]:
    return list(request.get("InputDataConfig") or [])


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))
