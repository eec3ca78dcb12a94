"""`python -m recsys`: the command line."""

from recsys.cli.app import app


def main() -> None:
    """The command `insider` of an installed package."""
    app(prog_name="insider")


if __name__ == "__main__":
    app(prog_name="python -m recsys")
