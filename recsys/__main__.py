"""`python -m recsys`: the command line."""

from recsys.cli.app import app

if __name__ == "__main__":
    app(prog_name="python -m recsys")
