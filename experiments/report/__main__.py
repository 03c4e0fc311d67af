"""`python -m experiments.report RUN` writes RUN/report.html from the tables of that run."""

from experiments.report.report import main

if __name__ == "__main__":
    main()
