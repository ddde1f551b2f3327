//! The pathway as data: which figures ask for which step.

use crate::{ModuleSituation, Situation, TableSituation, Thresholds};

/// What a rule looks at: the program, and one of its modules or tables where the rule is about those.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The program.
    pub program: &'a Situation,
    /// The module, for rules about modules.
    pub module: Option<&'a ModuleSituation>,
    /// The table, for rules about tables.
    pub table: Option<&'a TableSituation>,
}

/// A step of the pathway, and what asks for it.
#[derive(Debug)]
pub struct Rule {
    /// Its name, in answers and in the documentation.
    pub name: &'static str,
    /// What to do.
    pub step: &'static str,
    /// What the rule is about.
    pub about: Scope,
    /// All of these must hold.
    pub all: &'static [Condition],
    /// Of these as many as [`Thresholds::reasons`] says; empty where a rule has none.
    pub reasons: &'static [Condition],
}

/// What a rule is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The program as a whole.
    Program,
    /// Each of its modules.
    Module,
    /// Each of its tables.
    Table,
}

/// One figure against one threshold.
#[derive(Debug)]
pub struct Condition {
    /// What the figure is, in words.
    pub what: &'static str,
    /// The unit of figure and threshold, such as [`SHARE`], which is told in hundredths.
    pub unit: &'static str,
    /// On which side of the threshold the condition holds.
    pub side: Side,
    /// Whether it is a rate or a share of what happened within the window, and so says nothing of a
    /// short one.
    pub of_window: bool,
    /// The figure.
    pub figure: fn(&Subject<'_>) -> Option<f64>,
    /// The threshold.
    pub threshold: fn(&Thresholds) -> f64,
}

/// A side of a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The figure is larger.
    Above,
    /// The figure is smaller, or the same.
    Below,
}

/// The unit of a part of something, from 0 to 1.
pub const SHARE: &str = "share";

const CPU_FREE: Condition = Condition {
    what: "processor time that the program takes",
    unit: SHARE,
    side: Side::Below,
    of_window: true,
    figure: |it| it.program.cpu,
    threshold: |it| it.cpu,
};

const CPU_SHORT: Condition = Condition { side: Side::Above, ..CPU_FREE };

const DATABASE_SHORT: Condition = Condition {
    what: "processor time that the database takes",
    unit: SHARE,
    side: Side::Above,
    of_window: false,
    figure: |it| it.program.database_cpu,
    threshold: |it| it.database_cpu,
};

const MOSTLY_READS: Condition = Condition {
    what: "statements that only read",
    unit: SHARE,
    side: Side::Above,
    of_window: true,
    figure: |it| it.program.reads,
    threshold: |it| it.reads,
};

/// All rules, in the order of the pathway: the cheap before the dear.
pub const RULES: &[Rule] = &[
    Rule {
        name: "raise-a-limit",
        step: "Raise the limit that turns requests away while processors are free: the connections of \
               the pool, or how many passwords are hashed at once",
        about: Scope::Program,
        all: &[
            Condition {
                what: "requests that are turned away while others are served",
                unit: SHARE,
                side: Side::Above,
                of_window: true,
                figure: |it| it.program.turned_away,
                threshold: |it| it.turned_away,
            },
            CPU_FREE,
        ],
        reasons: &[],
    },
    Rule {
        name: "grow-the-pool",
        step: "Give the pools more connections: requests wait for one while processors are free",
        about: Scope::Program,
        all: &[
            Condition {
                what: "wait for a connection, 99th percentile",
                unit: "ms",
                side: Side::Above,
                of_window: true,
                figure: |it| it.program.connection_wait_p99_ms,
                threshold: |it| it.connection_wait_p99_ms,
            },
            CPU_FREE,
        ],
        reasons: &[],
    },
    Rule {
        name: "more-memory",
        step: "Give the program more memory, or find what holds it",
        about: Scope::Program,
        all: &[Condition {
            what: "memory that the program holds",
            unit: SHARE,
            side: Side::Above,
            of_window: false,
            figure: |it| it.program.memory,
            threshold: |it| it.memory,
        }],
        reasons: &[],
    },
    Rule {
        name: "add-a-replica",
        step: "Add a replica of this program, or a larger machine: the same program, once more",
        about: Scope::Program,
        all: &[CPU_SHORT],
        reasons: &[],
    },
    Rule {
        name: "add-a-pooler",
        step: "Put a pooler such as PgBouncer between the replicas and PostgreSQL",
        about: Scope::Program,
        all: &[Condition {
            what: "connections of all replicas",
            unit: "",
            side: Side::Above,
            of_window: false,
            figure: |it| it.program.connections,
            threshold: |it| it.connections,
        }],
        reasons: &[],
    },
    Rule {
        name: "cache",
        step: "Keep what is read most and changes least in a cache, where it may be some seconds old",
        about: Scope::Program,
        all: &[
            Condition { threshold: |it| it.cached_database_cpu, ..DATABASE_SHORT },
            Condition { threshold: |it| it.cached_reads, ..MOSTLY_READS },
        ],
        reasons: &[],
    },
    Rule {
        name: "move-off-the-request-path",
        step: "Do what the slowest route makes people wait for in a job or a consumer of an event, and \
               answer 202 at once",
        about: Scope::Program,
        all: &[Condition {
            what: "answers of the slowest route, 99th percentile",
            unit: "ms",
            side: Side::Above,
            of_window: true,
            figure: |it| it.program.slowest_route_p99_ms,
            threshold: |it| it.route_p99_ms,
        }],
        reasons: &[],
    },
    Rule {
        name: "add-a-read-replica",
        step: "Add a read replica of the database, and send it the reads that may be late",
        about: Scope::Program,
        all: &[DATABASE_SHORT, MOSTLY_READS],
        reasons: &[],
    },
    Rule {
        name: "partition-a-table",
        step: "Partition the table by time, and drop old partitions rather than delete rows",
        about: Scope::Table,
        all: &[Condition {
            what: "rows",
            unit: "",
            side: Side::Above,
            of_window: false,
            figure: |it| it.table?.rows,
            threshold: |it| it.rows,
        }],
        reasons: &[],
    },
    Rule {
        name: "extract-a-module",
        step: "Run the module in a program of its own: cargo xtask up --extract",
        about: Scope::Module,
        all: &[
            Condition {
                what: "what a hop to it adds, 99th percentile",
                unit: "ms",
                side: Side::Below,
                of_window: true,
                figure: |it| Some(it.module?.predicted?.added_p99_ms),
                threshold: |it| it.price_p99_ms,
            },
            Condition {
                what: "processor time that hops take, of the module's own",
                unit: SHARE,
                side: Side::Below,
                of_window: true,
                figure: |it| price_of_busy(it.module?),
                threshold: |it| it.price_of_busy,
            },
        ],
        reasons: &[
            Condition {
                what: "the module's part of the program's work",
                unit: SHARE,
                side: Side::Above,
                of_window: true,
                figure: |it| it.module?.busy,
                threshold: |it| it.module_busy,
            },
            Condition {
                what: "how much faster than the others it grows",
                unit: "times",
                side: Side::Above,
                of_window: false,
                figure: |it| it.module?.growth,
                threshold: |it| it.module_growth,
            },
            Condition {
                what: "what it adds to the 99th percentile of others when it is flooded",
                unit: "ms",
                side: Side::Above,
                of_window: false,
                figure: |it| it.module?.effect_on_others_ms,
                threshold: |it| it.module_effect_ms,
            },
            Condition {
                what: "changes of it alone, a week",
                unit: "",
                side: Side::Above,
                of_window: false,
                figure: |it| it.module?.deploys_per_week,
                threshold: |it| it.module_deploys,
            },
        ],
    },
];

/// Nothing of a module that does nothing: its hops, if any, have no measure.
fn price_of_busy(module: &ModuleSituation) -> Option<f64> {
    let share = module.predicted?.added_cores / module.busy_cores?;
    share.is_finite().then_some(share)
}
