"""What the isolation prover proves, rule by rule."""

from __future__ import annotations

from labkit.review.provers.permission.rules import Rule

NO_INTERNET = "isolated-no-internet"
API_PATHS = "isolated-api-paths"
PLACED = "isolated-workload-placed"
NEEDED = "isolated-endpoints-needed"

RULES = (
    Rule(
        id=NO_INTERNET,
        title="No network and no workload reaches the internet or is reached from it",
        why="Data cannot leave, and nobody can enter, by a way that is not there, whatever a policy says.",
        fix="Take out the route, the gateway or the public address that the row names; reach AWS through endpoints.",
        source="https://docs.aws.amazon.com/sagemaker/latest/dg/infrastructure-give-access.html",
        controls=("NIST SC-7", "NIST SC-7(5)", "NIST AC-4", "NIST AC-4(21)"),
    ),
    Rule(
        id=API_PATHS,
        title="Every AWS API that a workload calls has a way out of its subnets",
        why="Without a route to the internet a call ends at a VPC endpoint that lets it pass, or in a time-out.",
        fix="Add the endpoint, the rule or the statement that the row names, or take the call out.",
        source="https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html",
        controls=("NIST SC-7", "NIST SC-7(4)"),
    ),
    Rule(
        id=PLACED,
        title="Every workload that can be placed in the network is placed there",
        why="A workload outside the network reaches the internet, whatever the routes of the network say.",
        fix="Give the workload subnets and groups of the network, or accept it with the reason.",
        source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
        controls=("NIST SC-7", "NIST AC-4"),
    ),
    Rule(
        id=NEEDED,
        title="Every VPC endpoint serves a call that some workload makes",
        why="An interface endpoint costs by the hour in each zone, and each endpoint is one more way out.",
        fix="Take the endpoint out of the network.",
        source="https://aws.amazon.com/privatelink/pricing/",
        controls=("NIST CM-7", "NIST SC-7"),
    ),
)
