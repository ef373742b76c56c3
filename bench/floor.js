// The least that the same stacks can cost in JavaScript: one app, validator off, properties ready-made.
//   node floor.js prepare TEMPLATE OUT   typed properties of each resource, once
//   node floor.js synth PREPARED N OUT   N stacks
const fs = require("fs");
const cdk = require("aws-cdk-lib");

// AWS::S3::Bucket -> the class CfnBucket
function classOf(type) {
  const [, service, name] = type.split("::");
  const modules = { Logs: "aws-logs", SageMaker: "aws-sagemaker", ApplicationAutoScaling: "aws-applicationautoscaling" };
  return require("aws-cdk-lib/" + (modules[service] || "aws-" + service.toLowerCase()))["Cfn" + name];
}

const generic = (type) => type.startsWith("Custom::");

if (process.argv[2] === "prepare") {
  const [, , , template, out] = process.argv;
  const { CfnInclude } = require("aws-cdk-lib/cloudformation-include");
  const stack = new cdk.Stack(new cdk.App({ outdir: fs.mkdtempSync(require("path").join(require("os").tmpdir(), "floor-")) }), "S");
  const included = new CfnInclude(stack, "T", { templateFile: template, preserveLogicalIds: true });
  const content = JSON.parse(fs.readFileSync(template));
  const resources = Object.entries(content.Resources).map(([id, r]) => ({
    id,
    type: r.Type,
    props: generic(r.Type) ? r.Properties : stack.resolve(included.getResource(id).cfnProperties),
    depends: [].concat(r.DependsOn || []),
    condition: r.Condition,
  }));
  fs.writeFileSync(out, JSON.stringify({ resources, outputs: content.Outputs, parameters: content.Parameters }));
} else {
  const [, , , prepared, count, out] = process.argv;
  const { resources, outputs } = JSON.parse(fs.readFileSync(prepared));
  // References become tokens, as in a program they would be.
  const token = (x) => {
    if (Array.isArray(x)) return x.map(token);
    if (x === null || typeof x !== "object") return x;
    const keys = Object.keys(x);
    if (keys.length === 1 && (keys[0] === "Ref" || keys[0].startsWith("Fn::"))) return cdk.Token.asString(x);
    return Object.fromEntries(keys.map((k) => [k, token(x[k])]));
  };
  const app = new cdk.App({ outdir: out, analyticsReporting: false, treeMetadata: false });
  for (let i = 0; i < +count; i++) {
    const stack = new cdk.Stack(app, "Floor" + i, { env: { region: "us-east-1" } });
    const made = {};
    for (const { id, type, props } of resources) {
      const p = token(props);
      made[id] = generic(type)
        ? new cdk.CfnResource(stack, id, { type, properties: p })
        : new (classOf(type))(stack, id, p);
    }
    for (const { id, depends } of resources) for (const d of depends) made[id].addResourceDependency(made[d]);
    for (const [name, o] of Object.entries(outputs)) new cdk.CfnOutput(stack, name, { value: token(o.Value) });
  }
  app.synth();
}
