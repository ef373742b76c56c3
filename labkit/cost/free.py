"""Resource types that AWS does not charge for, and who says so."""

from __future__ import annotations

_IAM = "docs.aws.amazon.com/IAM/latest/UserGuide/introduction.html: IAM is offered at no additional charge"
_VPC = "docs.aws.amazon.com/vpc/latest/userguide/what-is-amazon-vpc.html: no additional charge for using a VPC"
_GROUPS = "docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html: no additional charge for security groups"
_SCALING = "docs.aws.amazon.com/autoscaling/index.html: no additional charge beyond CloudWatch and what it scales"
_CLOUDFORMATION = "aws.amazon.com/cloudformation/pricing: no charge for AWS::* and Custom::* resources"
_LISTED = "infracost/infracost@95ba4f49a of 2026-08-21: on its list of free AWS resources"
_DEFINITION = "a definition: what runs or is stored because of it is charged, and appears there"

_BY_SOURCE = {
    _IAM: "AWS::IAM:: Role Policy ManagedPolicy RolePolicy UserPolicy GroupPolicy User Group InstanceProfile "
    "ServiceLinkedRole OIDCProvider",
    _VPC: "AWS::EC2:: VPC Subnet RouteTable Route SubnetRouteTableAssociation InternetGateway VPCGatewayAttachment "
    "DHCPOptions VPCDHCPOptionsAssociation VPCCidrBlock NetworkAcl NetworkAclEntry SubnetNetworkAclAssociation "
    "VPCPeeringConnection PrefixList",
    _GROUPS: "AWS::EC2:: SecurityGroup SecurityGroupIngress SecurityGroupEgress",
    _SCALING: "AWS::ApplicationAutoScaling:: ScalableTarget",
    _CLOUDFORMATION: "AWS::CloudFormation:: CustomResource Stack WaitCondition WaitConditionHandle",
    "AWS::CDK::Metadata makes nothing in the account": "AWS::CDK:: Metadata",
}
_LISTED_TYPES = (
    "AWS::KMS:: Alias",
    "AWS::S3:: BucketPolicy AccessPoint",
    "AWS::Logs:: LogStream ResourcePolicy SubscriptionFilter Destination",
    "AWS::Lambda:: Permission EventInvokeConfig EventSourceMapping LayerVersion LayerVersionPermission Version Alias "
    "Url CodeSigningConfig",
    "AWS::SNS:: TopicPolicy TopicInlinePolicy Subscription",
    "AWS::SQS:: QueuePolicy QueueInlinePolicy",
    "AWS::Events:: Rule EventBusPolicy Connection ApiDestination",
    "AWS::Scheduler:: ScheduleGroup",
    "AWS::Glue:: SecurityConfiguration DataCatalogEncryptionSettings Trigger Workflow Connection Classifier Partition "
    "Registry Schema SchemaVersion",
    "AWS::SageMaker:: UserProfile",
    "AWS::SecretsManager:: ResourcePolicy RotationSchedule SecretTargetAttachment",
    "AWS::ECR:: RepositoryPolicy",
    "AWS::CodeDeploy:: Application DeploymentConfig DeploymentGroup",
)
_DEFINITION_TYPES = (
    "AWS::SageMaker:: Model EndpointConfig ModelPackageGroup ModelPackage ModelCard CodeRepository Image ImageVersion "
    "AppImageConfig StudioLifecycleConfig NotebookInstanceLifecycleConfig DataQualityJobDefinition "
    "ModelQualityJobDefinition ModelBiasJobDefinition ModelExplainabilityJobDefinition",
    "AWS::Athena:: NamedQuery PreparedStatement DataCatalog",
    "AWS::Logs:: QueryDefinition",
    "AWS::DataBrew:: Dataset Recipe Ruleset",
    "AWS::EC2:: LaunchTemplate",
    "AWS::StepFunctions:: StateMachineVersion StateMachineAlias Activity",
    "AWS::CodeConnections:: Connection",
    "AWS::CodeStarConnections:: Connection",
    "AWS::CodeStarNotifications:: NotificationRule",
    "AWS::Config:: ConfigurationAggregator DeliveryChannel",
)


def _spread(listed: str) -> list[str]:
    prefix, *names = listed.split()
    return [prefix + name for name in names]


#: Resource type to the source of "no charge".
FREE: dict[str, str] = {
    **{type_: source for source, listed in _BY_SOURCE.items() for type_ in _spread(listed)},
    **{type_: _LISTED for listed in _LISTED_TYPES for type_ in _spread(listed)},
    **{type_: _DEFINITION for listed in _DEFINITION_TYPES for type_ in _spread(listed)},
}


def free_source(type_: str) -> str | None:
    """Who says that a resource type has no charge of its own, or None."""
    return _CLOUDFORMATION if type_.startswith("Custom::") else FREE.get(type_)
