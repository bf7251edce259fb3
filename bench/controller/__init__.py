"""The house controller: our own correct collector and queue-management program, sans-IO on the master's side."""
