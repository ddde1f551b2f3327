//! The report as one HTML file: nothing in it is fetched from elsewhere, and a policy in its head
//! has the browser see to that.

mod about;
mod answer;
mod books;
mod compare;
mod cost;
mod hop;
mod long;
mod parts;
mod prediction;
mod runs;
mod sweep;
mod timeline;
mod wins;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    model::{Campaign, Part},
    statistics::{Group, Statistics},
};

/// The report of `campaign`: the same text for the same campaign, whenever and wherever it is
/// rendered.
#[must_use]
pub fn render(campaign: &Campaign) -> String {
    let statistics = Statistics::new(campaign);
    let page = Page { statistics: &statistics };
    let sections = page.sections();
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { "Load report of " (about::short(&campaign.about.commit)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (about::header(campaign))
                main {
                    (answer::section(&page))
                    nav aria-label="Sections" {
                        @for section in &sections { a href=(format!("#{}", section.id)) { (section.title) } " " }
                    }
                    @for section in &sections { (section.draw()) }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    document.into_string()
}

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("prices.js");
/// Nothing but the page's own style and script.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// What every section draws from.
#[derive(Clone, Copy, Debug)]
struct Page<'s, 'a> {
    statistics: &'s Statistics<'a>,
}

/// One section; without a body it says that nothing was measured.
#[derive(Debug)]
struct Section {
    id: &'static str,
    title: &'static str,
    /// What can be seen here and how to read it.
    lead: &'static str,
    body: Vec<Markup>,
}

impl Section {
    fn draw(&self) -> Markup {
        html! {
            section id=(self.id) aria-labelledby=(format!("{}-h", self.id)) {
                h2 id=(format!("{}-h", self.id)) { (self.title) }
                @if self.body.is_empty() {
                    p.missing { "Not measured in this campaign." }
                } @else {
                    p.lead { (self.lead) }
                    @for part in &self.body { (part) }
                }
            }
        }
    }
}

impl<'s, 'a> Page<'s, 'a> {
    fn sections(&self) -> Vec<Section> {
        vec![
            answer::targets(self),
            compare::section(self),
            sweep::section(self),
            timeline::section(self),
            cost::uses(self),
            cost::prices(self),
            hop::section(self),
            prediction::section(self),
            wins::noisy_neighbour(self),
            wins::scaling(self),
            long::overload(self),
            long::restart(self),
            long::soak(self),
            long::baseline(self),
            long::telemetry(self),
            compare::noise(self),
            books::section(self),
            about::method(self),
            runs::section(self),
        ]
    }

    /// The number of the shape's colour and marker, the same in every plot.
    fn style(&self, shape: &str) -> usize {
        self.statistics.shapes.iter().position(|known| *known == shape).unwrap_or(0)
    }

    /// The groups of `part` that ran the same scenario under the same load, shapes in their order.
    fn scenes(&self, part: Part) -> Vec<Vec<&'s Group<'a>>> {
        let mut scenes: Vec<Vec<&'s Group<'a>>> = Vec::new();
        for group in self.statistics.part(part) {
            let kind = |group: &Group<'_>| (group.key.scenario.to_owned(), group.key.load);
            let scene = scenes
                .iter_mut()
                .find(|scene| scene.first().map(|one| kind(one)) == Some(kind(group)));
            match scene {
                Some(scene) => scene.push(group),
                None => scenes.push(vec![group]),
            }
        }
        for scene in &mut scenes {
            scene.sort_by_key(|group| self.style(group.key.shape));
        }
        scenes
    }
}
