"""`python -m experiments.report RUNS...`: the report of one run, an index of several."""

from experiments.report.report import main

if __name__ == "__main__":
    main()
