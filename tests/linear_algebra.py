"""What linear algebra libraries are set to."""

from threadpoolctl import threadpool_info


def widths() -> set[int]:
    """Threads that the linear algebra libraries of this process may use."""
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}
