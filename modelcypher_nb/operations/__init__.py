"""Floor 4: every verb once. OPERATIONS is the table of contents of the product."""

__all__ = ["ALIASES", "OPERATIONS", "names"]

# module:function, imported one by one on use.
OPERATIONS = (
    "system:system_inventory",
    "system:system_status",
    "doctor:system_doctor",
    "kernel:kernel_show",
    "settings:settings_show",
    "settings:settings_set",
    "settings:settings_allow",
    "models:model_list",
    "models:model_show",
    "scanning:model_scan",
    "trusting:model_trust",
    "converting:model_convert",
    "models:model_verify",
    "models:model_register",
    "models:model_tag",
    "models:model_alias",
    "jobs:job_list",
    "jobs:job_show",
    "jobs:job_metrics",
    "jobs:job_logs",
    "jobs:job_pause",
    "jobs:job_resume",
    "jobs:job_cancel",
    "jobs:job_checkpoint",
    "jobs:job_set",
    "train:train_script",
    "checkpoints:checkpoint_list",
    "checkpoints:checkpoint_show",
    "checkpoints:checkpoint_verify",
    "storage:storage_usage",
    "mcp:mcp_start",
    "mcp:mcp_stop",
    "mcp:mcp_status",
    "mcp:mcp_config",
    "mcp:mcp_audit",
)

# What a person may type instead of a command; the words that follow are kept.
ALIASES = {
    ("status",): ("system", "status"),
    ("inventory",): ("system", "inventory"),
    ("doctor",): ("system", "doctor"),
    ("allow",): ("settings", "allow"),
    ("train", "status"): ("job", "show"),
    ("train", "pause"): ("job", "pause"),
    ("train", "resume"): ("job", "resume"),
    ("train", "cancel"): ("job", "cancel"),
    ("train", "logs"): ("job", "logs"),
    ("train", "start"): ("train", "script"),
}


def names() -> tuple[str, ...]:
    """The operations' names."""
    return tuple(dotted.partition(":")[2] for dotted in OPERATIONS)
