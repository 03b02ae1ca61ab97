"""The small manifests that several of the engine's tests begin with."""

PROJECT = {"project": {"web": {"title": "Web", "metadata": {"team": "x"}}}}
PLAN = {
    "offer": {"pro": {"title": "Pro", "default_rate": {"ref": "month"}}},
    "rate": {"month": {"offer": {"ref": "pro"}, "amount": 2900}},
}
