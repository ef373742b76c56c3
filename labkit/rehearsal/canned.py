"""Operations that moto answers without doing the work: a step that rests on one is not rehearsed."""

from __future__ import annotations

_AT_ONCE = "answered as finished at once; nothing runs"

CANNED: dict[tuple[str, str], str] = {
    ("sagemaker", "CreateTransformJob"): _AT_ONCE,
    ("sagemaker", "CreateHyperParameterTuningJob"): _AT_ONCE,
    ("sagemaker", "CreateCompilationJob"): _AT_ONCE,
    ("sagemaker", "CreateAutoMLJobV2"): _AT_ONCE,
    ("sagemaker", "InvokeEndpoint"): "a canned answer; no model predicts",
    ("sagemaker", "InvokeEndpointAsync"): "a canned answer; no model predicts",
    ("glue", "StartJobRun"): _AT_ONCE,
    ("glue", "StartCrawler"): "the crawler changes state; nothing is read",
    ("athena", "StartQueryExecution"): "answered as succeeded without rows; no query runs",
    ("batch", "SubmitJob"): _AT_ONCE,
    ("lambda", "Invoke"): "echoes its input; no code runs",
    ("bedrock", "InvokeModel"): "a canned answer; no model predicts",
    ("comprehend", "DetectSentiment"): "a canned answer",
    ("rekognition", "DetectLabels"): "a canned answer",
    ("textract", "DetectDocumentText"): "a canned answer",
}
