"""A lab in an account: check, deploy, run, verify, destroy, and prove that nothing is left."""

from labkit.sandbox.deploy import deploy
from labkit.sandbox.destroy import destroy, leftovers
from labkit.sandbox.run import open_session, run_steps, verify

__all__ = ["deploy", "destroy", "leftovers", "open_session", "run_steps", "verify"]
