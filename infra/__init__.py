"""What surrounds the worker: services to run it against, images, dashboards. Nothing here is imported by the worker."""
