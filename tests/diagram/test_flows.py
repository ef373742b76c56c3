"""What the picture shows of a template: the boxes that matter, and the lines between them."""

from __future__ import annotations

import pytest

from labkit.diagram.boxes import add_boxes
from labkit.diagram.flows import add_flows
from labkit.diagram.graph import GATE, Graph
from labkit.diagram.stack import Stack


def _graph(assembly):
    graph, stack = Graph("title", assembly.region), Stack(assembly)
    add_boxes(graph, stack)
    add_flows(graph, stack)
    return graph


def _lines(graph):
    return {(edge.source, edge.target, edge.label) for edge in graph.edges}


def test_a_private_endpoint_is_shown_from_the_caller_to_the_captured_data(lab):
    # GIVEN an endpoint in an isolated VPC with a caller, scaling and alarms
    graph = _graph(lab("realtime_endpoint"))
    # WHEN its picture is read
    # THEN the caller goes through the endpoint of the VPC, and everything else has its line
    assert _lines(graph) == {
        ("Caller", GATE, ""),
        (GATE, "Endpoint", "invokes"),
        ("bootstrap-bucket", "Model", "artefact"),
        ("Model", "Endpoint", "serves"),
        ("network-interfaces", "Endpoint", "in the VPC"),
        ("Endpoint", "Capture", "captured data"),
        ("Capture", "AccessLogs", "access logs"),
        ("Scaling", "Endpoint", "scales"),
        ("Endpoint", "alarms:Alerts", "metrics"),
        ("alarms:Alerts", "Alerts", "notifies"),
    }
    through = [edge.source_row or edge.target_row for edge in graph.edges if GATE in (edge.source, edge.target)]
    assert through == ["sagemaker.runtime"] * 2


def test_what_only_serves_the_rest_is_counted_and_not_drawn(lab):
    # GIVEN a template with roles, log groups, a housekeeping function and a schedule that removes the stack
    graph = _graph(lab("realtime_endpoint"))
    # WHEN its boxes are read
    # THEN only what a reader cares about is a box
    assert set(graph.nodes) == {
        "Caller", "network-interfaces", GATE, "bootstrap-bucket", "Model", "Endpoint", "Scaling", "Capture",
        "AccessLogs", "Alerts", "alarms:Alerts",
    }  # fmt: skip
    assert [chip.text for chip in graph.chips] == [
        "4 roles",
        "4 policies",
        "2 security groups",
        "2 log groups",
        "1 dashboard",
        "1 housekeeping function",
        "a schedule that deletes the stack",
    ]
    assert graph.keys == ["encrypted with the lab's KMS key, rotated"]


def test_boxes_tell_sizes_limits_and_what_they_scale_by(lab):
    # GIVEN an endpoint with scaling
    graph = _graph(lab("realtime_endpoint"))
    # WHEN its boxes are read
    # THEN they say how many, how large, and by what
    assert graph.nodes["Endpoint"].details == ["2 x ml.m5.large", "captures 100 % of requests"]
    assert graph.nodes["Scaling"].details == [
        "2 to 4 instances",
        "by invocations per instance",
        "by model latency",
        "by CPU utilization",
        "2 schedules",
    ]
    assert graph.nodes["Model"].details == ["sagemaker-xgboost 3.2-0", "network isolation"]
    assert graph.nodes["Capture"].encrypted
    assert not graph.nodes["AccessLogs"].encrypted
    assert graph.network is not None
    assert graph.network.details == "no route to the internet, flow logs, default security group closed"


def test_a_data_lake_is_shown_from_the_raw_bucket_to_the_results(lab):
    # GIVEN buckets, a crawler, a catalogue and a workgroup
    graph = _graph(lab("data_lake"))
    # WHEN its picture is read
    # THEN the data runs through them, and access logs of three buckets are told instead of drawn
    assert _lines(graph) == {
        ("Raw", "Crawler", "crawled"),
        ("Curated", "Crawler", "crawled"),
        ("Crawler", "Catalog", "tables"),
        ("Catalog", "Workgroup", "queried"),
        ("Workgroup", "Results", "results"),
    }
    assert "access logs of 3 buckets" in graph.nodes["AccessLogs"].details
    assert graph.nodes["Workgroup"].details == ["at most 100 MB a query", "3 named queries"]
    assert graph.network is None


def test_a_role_that_only_the_steps_use_is_shown_with_what_it_may_do(lab):
    # GIVEN a role for training jobs, given out as an output
    graph = _graph(lab("train_private"))
    # WHEN its picture is read
    # THEN reading brings data to it, writing and registering go out
    assert _lines(graph) == {
        ("Data", "TrainingRole", "reads"),
        ("TrainingRole", "Models", "writes, reads"),
        ("TrainingRole", "Packages", "registers"),
    }


def test_rollback_monitoring_and_a_pipeline_are_shown(lab):
    # GIVEN an endpoint that alarms roll back, a monitor, and a pipeline that an alarm starts
    lines = _lines(_graph(lab("canary_rollout")))
    # WHEN its picture is read
    # THEN the loop from drift to a new model is there
    assert lines >= {
        ("alarms:Alerts", "Endpoint", "rolls back"),
        ("Endpoint", "Monitor", "watched"),
        ("Monitor", "Reports", "reports"),
        ("alarms:Alerts", "OnDrift", "events"),
        ("OnDrift", "Retrain", "starts"),
        ("Code", "Retrain", "source"),
        ("Retrain", "Build", "train"),
        ("Retrain", "Deploy", "release"),
        ("Retrain", "Artifacts", "artefacts"),
        ("Build", "Packages", "registers"),
        ("Deploy", "Endpoint", "updates"),
    }


def test_a_type_that_nobody_thought_of_is_a_box_with_its_references(lab):
    # GIVEN a stream, a function, and a resource of an unknown type that names the stream
    graph = _graph(lab("streaming"))
    # WHEN its picture is read
    # THEN the unknown one goes by its type's name, and its line is there
    assert graph.nodes["Strange"].label == "GroundStation Config"
    assert _lines(graph) == {
        ("Strange", "Stream", ""),
        ("Stream", "Score", "reads"),
        ("Score", "Scores", "writes"),
        ("Score", "Failures", "failures"),
        ("Stream", "Delivery", "records"),
        ("Delivery", "Lake", "delivers"),
    }


def test_a_vpc_that_exists_already_is_shown_without_its_endpoints(lab):
    # GIVEN a function in subnets that a setting names, calling a topic
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "VpcConfig": {"SubnetIds": ["subnet-0123456789abcdef0"]},
            "Environment": {"Variables": {"TOPIC": {"Ref": "Topic"}}},
        },
    }
    graph = _graph(lab({"Caller": function, "Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}))
    # WHEN its picture is read
    # THEN the VPC is the user's, and the line goes straight to the topic
    assert graph.network is not None
    assert graph.network.title == "Your VPC"
    assert _lines(graph) == {("Caller", "Topic", "uses")}


def test_a_function_in_the_vpc_reads_a_bucket_through_the_gateway(lab, templates):
    # GIVEN a function in the VPC that may read a bucket, and one outside that may too
    template = templates.realtime_endpoint()["Resources"]
    reader = {"Type": "AWS::Lambda::Function", "Properties": {"Role": {"Fn::GetAtt": ["ReaderRole", "Arn"]}}}
    inside = {"Type": reader["Type"], "Properties": {**reader["Properties"], "VpcConfig": {"SubnetIds": ["a"]}}}
    template |= templates.role("ReaderRole", "lambda", ("s3:GetObject", "Capture"))
    graph = _graph(lab({**template, "Inside": inside, "Outside": reader}))
    # WHEN its picture is read
    # THEN the first goes out through the gateway endpoint, to the second the data comes
    assert ("Inside", GATE, "s3 (gateway)") in {(edge.source, edge.target, edge.target_row) for edge in graph.edges}
    assert {(GATE, "Capture", "reads"), ("Capture", "Outside", "reads")} <= _lines(graph)


def test_what_a_role_may_read_is_one_line_also_when_the_definition_names_it(lab, templates):
    # GIVEN a pipeline whose definition names a bucket that its role may read
    pipeline = {"RoleArn": templates.get("PipelineRole"), "PipelineDefinition": {"Body": templates.sub("${Data}")}}
    resources = {
        **templates.role("PipelineRole", "sagemaker", ("s3:GetObject", "Data")),
        "Data": templates.bucket(),
        "Pipeline": {"Type": "AWS::SageMaker::Pipeline", "Properties": pipeline},
    }
    # WHEN its picture is read
    # THEN the data comes to the pipeline, once
    assert _lines(_graph(lab(resources))) == {("Data", "Pipeline", "reads")}


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("com.amazonaws.us-gov-west-1.sagemaker.runtime", "sagemaker.runtime"),
        ("cn.com.amazonaws.cn-north-1.ecr.api", "ecr.api"),
        ({"Fn::Sub": "com.amazonaws.${AWS::Region}.logs"}, "logs"),
        ({"Fn::Join": [".", ["com.amazonaws", {"Ref": "AWS::Region"}, "sts"]]}, "sts"),
    ],
)
def test_a_vpc_endpoint_goes_by_its_service_in_every_partition(lab, name, row):
    # GIVEN an interface endpoint of a service, written in one of several ways
    endpoint = {"Type": "AWS::EC2::VPCEndpoint", "Properties": {"VpcEndpointType": "Interface", "ServiceName": name}}
    graph = _graph(lab({"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {}}, "Endpoint": endpoint}))
    # WHEN the list of endpoints is read
    # THEN it names the service alone
    assert graph.nodes[GATE].rows == [row]


@pytest.mark.parametrize(
    ("path", "title"),
    [("Capture/Resource", "Capture"), ("Key/Default", "Key"), ("Lake/Bucket", "Lake"), ("Alerts", "Alerts")],
)
def test_a_box_is_called_after_its_place_in_the_tree(lab, path, title):
    # GIVEN a bucket whose construct path ends in a word that tells nothing
    # WHEN its box is named
    graph = _graph(lab({"Bucket1234": {"Type": "AWS::S3::Bucket"}}, paths={"Bucket1234": path}))
    # THEN the word before it is taken
    assert graph.nodes["Bucket1234"].title == title


def test_a_job_that_a_function_starts_is_drawn_with_what_its_role_may_do(lab):
    # GIVEN a function that carries the definition of training jobs and passes a role on to them
    graph = _graph(lab("launched_jobs", paths={"TrainingJobRole": "Training/JobRole"}))
    # WHEN its picture is read
    (job,) = (node for node in graph.nodes.values() if node.label == "Training job")
    # THEN the job stands in the VPC and reaches the data through it, and the function does not
    assert (job.title, job.details, job.in_vpc) == ("Training", ["ml.m5.large", "managed spot"], True)
    assert _lines(graph) == {("Launcher", job.id, "starts"), (job.id, GATE, ""), (GATE, "Data", "reads, writes")}


def test_a_function_that_passes_no_role_starts_no_job(lab):
    # GIVEN the same function, which may look at the role but not pass it on
    assembly = lab("launched_jobs")
    document = assembly.template["Resources"]["LauncherRolePolicy"]["Properties"]["PolicyDocument"]
    document["Statement"][-1]["Action"] = "iam:GetRole"
    # WHEN its picture is read
    # THEN there is no job in it
    assert [node.id for node in _graph(assembly).nodes.values() if node.id.startswith("job:")] == []
