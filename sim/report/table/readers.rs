//! One line for each member of a broadcasting group: what it was given.

use super::NAME;
use super::page::{Page, table};
use super::words::cut;
use crate::report::charts::text::grouped;
use crate::report::model::GroupReport;

impl Page {
    pub(super) fn readers(&mut self, group: &GroupReport) {
        if group.readers.is_empty() {
            return;
        }
        let heads = [
            "client id",
            "stored",
            "succeeded",
            "failed",
            "lost",
            "waiting",
            "duplicates",
        ];
        let mut table = table(&heads, &[1, 2, 3, 4, 5, 6]);
        for (id, reader) in &group.readers {
            table.add_row([
                cut(id, NAME),
                grouped(reader.produced),
                grouped(reader.succeeded),
                grouped(reader.failed),
                grouped(reader.lost),
                grouped(reader.waiting),
                grouped(reader.duplicates),
            ]);
        }
        self.table(&table);
    }
}
