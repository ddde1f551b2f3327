//! Reports that were committed are drawn again from the histograms beside them, to the letter.

use std::{fs, path::Path};

use load_report::{model::Campaign, render, summary};

#[test]
fn every_committed_report_is_drawn_again_identically() {
    let all = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/performance"));
    let mut drawn = 0;
    for folder in fs::read_dir(all).expect("there are reports").flatten() {
        let file = |name: &str| folder.path().join(name);
        let campaign = Campaign::load(&file("campaign.json")).expect("a campaign");
        let committed = |name: &str| fs::read_to_string(file(name)).expect("beside the campaign");
        let folder = folder.file_name();
        let help = format!(
            "draw it again: cargo run -p load-report -- docs/performance/{0}/campaign.json \
             --summary docs/performance/{0}/summary.json",
            folder.to_string_lossy()
        );
        assert!(render(&campaign) == committed("report.html"), "{help}");
        let summary = serde_json::to_string_pretty(&summary(&campaign)).expect("it is JSON");
        assert!(summary + "\n" == committed("summary.json"), "{help}");
        drawn += 1;
    }
    assert!(drawn > 0, "no report was committed");
}
