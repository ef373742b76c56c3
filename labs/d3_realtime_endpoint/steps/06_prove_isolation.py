"""Prove the isolation

The function in the VPC tries to open connections to public addresses and must fail, although its security group allows
HTTPS: there is no route. It also tells which address the name of the SageMaker runtime has there. Then look at the
reasons: the route tables, the gateways and the endpoints of the VPC.
"""

import json

from labkit.session import Session, StepFailed


def run(session: Session) -> None:
    ec2, vpc = session.client("ec2"), session.outputs["VpcId"]
    tried = probe(session, "internet")
    session.table("Connections from the VPC to the internet", tried["tried"])
    if tried["reached"]:
        raise StepFailed(f"The VPC reached {', '.join(tried['reached'])}: it is not isolated.")
    found = probe(session, "endpoint")
    session.say(f"In the VPC {found['host']} is {', '.join(found['addresses'])}.")

    of_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    tables = ec2.describe_route_tables(Filters=of_vpc)["RouteTables"]
    session.table(
        "Routes",
        [
            {
                "table": table["RouteTableId"],
                "to": route.get("DestinationCidrBlock") or route.get("DestinationPrefixListId", ""),
                "through": next((route[key] for key in ("GatewayId", "NatGatewayId") if key in route), "other"),
            }
            for table in tables
            for route in table["Routes"]
        ],
    )
    gateways = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}])[
        "InternetGateways"
    ]
    nat = ec2.describe_nat_gateways(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NatGateways"]
    session.say(f"Internet gateways: {len(gateways)}. NAT gateways: {len(nat)}.")
    endpoints = ec2.describe_vpc_endpoints(Filters=of_vpc)["VpcEndpoints"]
    session.table(
        "Endpoints of the VPC",
        [
            {
                "service": endpoint["ServiceName"],
                "kind": endpoint["VpcEndpointType"],
                "lets pass": ", ".join(sorted(actions(json.loads(endpoint["PolicyDocument"])))),
            }
            for endpoint in endpoints
        ],
    )
    session.remember("isolation", {"reached": tried["reached"], "tried": tried["tried"], **found})


def probe(session: Session, name: str) -> dict[str, object]:
    called = session.client("lambda").invoke(
        FunctionName=session.outputs["CallerFunctionName"], Payload=json.dumps({"probe": name}).encode()
    )
    answer = json.loads(called["Payload"].read())
    if "FunctionError" in called or answer["status"] != 200:
        raise StepFailed(f"The probe {name} failed: {answer}")
    return answer


def actions(policy: dict[str, object]) -> set[str]:
    listed = [statement["Action"] for statement in policy["Statement"]]
    return {action for each in listed for action in ([each] if isinstance(each, str) else each)}
