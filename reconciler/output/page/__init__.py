"""The report's page: its frame, its style and its script, as files beside this one."""
