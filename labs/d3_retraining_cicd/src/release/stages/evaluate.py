"""A model that is not better than the one in production ends here, with both figures."""

from run import Run, Training, read, refuse


def main() -> None:
    run = Run()
    if run.releases_a_package:
        print(f"{run.package} is released as it is: it was evaluated when it was registered")
        return
    noted = run.note("train")
    if noted is None:
        refuse("this run has trained nothing: retry the stage Train")
    training = Training(noted["execution"])
    steps = training.follow(
        lambda steps: "Outcome" in steps.get("IsBetter", {}).get("Metadata", {}).get("Condition", {})
    )
    report = read(run.s3, run.models, f"{run.prefix}/evaluation/evaluation.json")
    outcome = steps.get("IsBetter", {}).get("Metadata", {}).get("Condition", {}).get("Outcome")
    if report is None or outcome is None:
        refuse(f"no evaluation: {training.failure()}")
    auc = report["binary_classification_metrics"]["auc"]["value"]
    compared = {name: entry["value"] for name, entry in report["comparison"].items()}
    rival = "the model in production" if compared["has_champion"] else "a coin"
    told = (
        f"AUC {auc:.3f} on {compared['flights']} flights that neither saw; {rival} has {compared['champion_auc']:.3f}"
    )
    run.keep("evaluate", {"auc": auc, **compared, "better": outcome == "True"})
    if outcome != "True":
        refuse(f"the model is not better: {told}")
    print(told)


if __name__ == "__main__":
    main()
