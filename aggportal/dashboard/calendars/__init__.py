"""The calendar of what stops working when, across clusters."""
