"""Synthesize every lab, or some:  npx cdk synth -c labs=d3_realtime_endpoint,d1_data_lake"""

import sys

import aws_cdk as cdk

from labkit.errors import UserError
from labkit.synth import add_labs

app = cdk.App()
try:
    add_labs(app, wanted=app.node.try_get_context("labs"))
except UserError as error:
    sys.exit(str(error))
app.synth()
