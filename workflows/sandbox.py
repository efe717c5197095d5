"""The sandboxed workflow runner, for tests and CI.

Production runs without the sandbox, which costs more than half of a worker's CPU; the tests keep
it because it catches what would not replay (clocks, randomness, input and output).
"""

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

# Pure, or only named in workflows: imported once for the process instead of once for each run.
# The state machines keep registries by class, so two copies of them must never meet.
PASSED_THROUGH = ("states", "policies", "activities", "statemachine", "msgspec", "yaml")


def sandbox_runner() -> SandboxedWorkflowRunner:
    """A runner that checks workflows for determinism and shares the modules of the pure core."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))
