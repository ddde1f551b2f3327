//! The page itself: valid, whole in itself, the same every time.

use std::cell::RefCell;

use html5ever::{parse_document, tendril::TendrilSink as _, tree_builder::TreeBuilderOpts};
use load_report::{
    model::{Campaign, Data, Part},
    render,
};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

use crate::made_up::{Plan, campaign, compared, everything};

const HOSTILE: &str =
    "</svg></title><script>alert('1')</script> & \"quoted\" <img src=x onerror=alert(2)>";

#[test]
fn the_same_campaign_gives_the_same_page() {
    let once = render(&everything(1));
    assert_eq!(render(&everything(1)), once);
    let json = serde_json::to_string(&everything(1)).expect("it is JSON");
    let read: Campaign = serde_json::from_str(&json).expect("read");
    assert_eq!(render(&read), once, "and after it was written and read");
}

#[test]
fn a_full_page_is_valid() {
    check(&render(&everything(2)));
}

#[test]
fn a_page_of_nothing_is_valid_and_says_so() {
    let page = render(&campaign(Vec::new()));
    check(&page);
    assert!(!page.contains("<svg"), "there is nothing to draw");
    assert_eq!(page.matches("<p class=\"figure absent\">not measured</p>").count(), 3);
    assert!(page.contains("Not measured in this campaign."));
}

#[test]
fn missing_parts_are_said_plainly() {
    let page = render(&campaign(compared(5)));
    check(&page);
    assert!(page.contains("No A/A run says how far two runs of one shape lie apart"));
    assert!(page.contains("Sweep of rates, overload, noisy neighbour"));
    let section = |id: &str| {
        let start = page.find(&format!("<section id=\"{id}\"")).expect("a section");
        let section = &page[start..];
        section[..section.find("</section>").expect("an end")].to_owned()
    };
    for id in [
        "sweep",
        "noisy-neighbour",
        "scaling",
        "overload",
        "restart",
        "soak",
        "baseline",
        "telemetry",
        "noise",
    ] {
        assert!(section(id).contains("Not measured in this campaign."), "{id}");
    }
    assert!(!section("extraction").contains("Not measured"));
}

#[test]
fn every_text_is_escaped() {
    let mut campaign = everything(2);
    hostile(&mut campaign);
    let page = render(&campaign);
    check(&page);
    assert_eq!(page.matches("<script").count(), 1, "the page's own");
    assert!(!page.contains("<img"));
    assert!(page.contains("&lt;script&gt;alert('1')&lt;/script&gt; &amp; "));
}

#[test]
fn a_stall_is_a_tower() {
    let stall = Plan { stall: Some(2), rate: 200.0, ..Plan::of(Part::Compare, "monolith", 0) };
    let page = render(&campaign(vec![stall.run()]));
    check(&page);
    let (_, table) = page.split_once("what stands out</caption>").expect("the table");
    let cells: Vec<&str> = table.split("<td>").skip(2).take(2).collect();
    assert!(cells[0].starts_with("99") && cells[0].contains("ms"), "nearly a second: {cells:?}");
    assert!(cells[1].starts_with("2<"), "in the second in which it stood: {cells:?}");
}

/// Every text of a campaign that somebody else may have chosen.
fn hostile(campaign: &mut Campaign) {
    let hostile = || HOSTILE.to_owned();
    let about = &mut campaign.about;
    about.data = Data::default();
    about.caveats = vec![hostile()];
    for text in [
        &mut about.commit,
        &mut about.started_at,
        &mut about.command,
        &mut about.engine,
        &mut about.machine.processor,
        &mut about.machine.system,
    ] {
        *text = hostile();
    }
    for run in &mut campaign.runs {
        run.shape = if run.shape == "monolith" { run.shape.clone() } else { hostile() };
        run.variant += HOSTILE;
        run.scenario += HOSTILE;
        run.ledger.faults = vec![hostile()];
        run.ledger.compared.insert(hostile(), (1, 2));
        for operation in run.operations.values_mut() {
            operation.failed.insert(hostile(), 3);
        }
        let operation = run.operations.values().next().cloned().unwrap_or_default();
        run.operations.insert(hostile(), operation);
        let process = run.processes.values().next().cloned().unwrap_or_default();
        run.processes.insert(hostile(), process);
    }
}

/// The page parses without a complaint, its pictures are XML with a name, tables have captions, ids
/// are there once, headings do not skip, and nothing is fetched.
pub(crate) fn check(page: &str) {
    let options = html5ever::ParseOpts {
        tree_builder: TreeBuilderOpts { exact_errors: EXACT, ..TreeBuilderOpts::default() },
        ..html5ever::ParseOpts::default()
    };
    let dom = parse_document(RcDom::default(), options).one(page);
    let errors = dom.errors.borrow();
    assert!(errors.is_empty(), "{errors:?}");
    let seen = Seen::default();
    seen.walk(&dom.document);
    seen.check();
    check_pictures(page);
}

/// A complaint says what it is about.
const EXACT: bool = true;

fn check_pictures(page: &str) {
    for picture in page.split("<svg").skip(1) {
        let end = picture.find("</svg>").expect("an end");
        let xml = format!("<svg{}</svg>", &picture[..end]);
        let parsed =
            roxmltree::Document::parse(&xml).unwrap_or_else(|error| panic!("{error}: {xml}"));
        let children: Vec<_> =
            parsed.root_element().children().map(|child| child.tag_name().name()).take(2).collect();
        assert_eq!(children, ["title", "desc"]);
        let ids = parsed.root_element().attribute("aria-labelledby").expect("a name");
        assert!(ids.split(' ').all(|id| xml.contains(&format!("id=\"{id}\""))), "{ids}");
        for node in parsed.descendants() {
            for attribute in node.attributes() {
                let value = attribute.value();
                assert!(
                    !value.contains("NaN") && !value.contains("inf"),
                    "{}={value}",
                    attribute.name()
                );
            }
        }
    }
}

/// What was met in the page.
#[derive(Default)]
struct Seen {
    ids: RefCell<Vec<String>>,
    references: RefCell<Vec<String>>,
    headings: RefCell<Vec<u32>>,
    captions: RefCell<[usize; 2]>,
}

impl Seen {
    fn walk(&self, node: &Handle) {
        if let NodeData::Element { name, attrs, .. } = &node.data {
            let tag = &*name.local;
            assert!(
                !["link", "img", "iframe", "object", "embed", "image", "use", "base"]
                    .contains(&tag)
            );
            match tag.strip_prefix('h').and_then(|level| level.parse().ok()) {
                Some(level) => self.headings.borrow_mut().push(level),
                None if tag == "table" => self.captions.borrow_mut()[0] += 1,
                None if tag == "caption" => self.captions.borrow_mut()[1] += 1,
                None => {}
            }
            for attribute in attrs.borrow().iter() {
                let value = attribute.value.to_string();
                match &*attribute.name.local {
                    "id" => self.ids.borrow_mut().push(value),
                    "href" => self.references.borrow_mut().push(value),
                    name => assert!(
                        !["src", "srcset", "style", "action"].contains(&name)
                            && !name.starts_with("on")
                    ),
                }
            }
        }
        node.children.borrow().iter().for_each(|child| self.walk(child));
    }

    fn check(&self) {
        let mut ids = self.ids.borrow().clone();
        for reference in self.references.borrow().iter() {
            let id = reference.strip_prefix('#').expect("nothing outside the page");
            assert!(ids.iter().any(|known| known == id), "{id}");
        }
        ids.sort_unstable();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count, "an id is there once");
        let headings = self.headings.borrow();
        assert_eq!(headings.iter().filter(|level| **level == 1).count(), 1);
        assert!(headings.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{headings:?}");
        let [tables, captions] = *self.captions.borrow();
        assert_eq!(tables, captions, "every table has a caption");
    }
}
