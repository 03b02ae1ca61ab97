"""Observe, match, diff, plan, guard, steps, apply, recover; knows no vendor and no HTTP."""
