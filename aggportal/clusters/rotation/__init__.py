"""Changing what a cluster trusts, step by step: what each kind's steps are and how they prove."""
