"""The doctor: what is wrong with a cluster's aggregation layer, and how to mend it. Pure."""
