"""The logs of the Aqua Book (HM Treasury's guidance on quality assurance of models), generated from the project itself.

Assumptions, limits, decisions, data, verification, validation, changes, roles and uses that are excluded. Each log is
a `LogTable`; `log.py` collects them.
"""
