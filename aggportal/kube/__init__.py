"""The pure core of Kubernetes: kubeconfigs, one API server, APIServices. It knows no Django."""
