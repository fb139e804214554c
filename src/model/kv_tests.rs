//! Bookkeeping of pages.

use super::{Change, Pages};

#[test]
fn a_sequence_grows_page_by_page() {
    let mut pages = Pages::new(8, 2, 4);
    assert_eq!(pages.demand(0, 1), Some(1));
    assert!(pages.reserve(0, 1) && pages.reserve(1, 16) && pages.reserve(0, 17));
    assert_eq!([pages.slot(0, 0), pages.slot(0, 15), pages.slot(0, 16), pages.slot(1, 3)], [0, 15, 32, 19].map(Some));
    assert_eq!(pages.slot(0, 32), None, "not reserved");
    assert_eq!(pages.slot(9, 0), None, "no such sequence");
    assert_eq!(pages.available(), 5);
    assert!(pages.reserve(0, 5), "less than before changes nothing");
    assert_eq!(pages.available(), 5);
}

#[test]
fn what_does_not_fit_changes_nothing() {
    let mut pages = Pages::new(3, 2, 3);
    assert!(pages.reserve(0, 32));
    assert!(!pages.reserve(1, 17), "two pages, one left");
    assert!(!pages.reserve(0, 49), "more than a row of the table");
    assert_eq!((pages.available(), pages.slot(1, 0)), (1, None));
    assert!(pages.reserve(1, 16) && !pages.reserve(0, 33));
    pages.release(1);
    assert!(pages.reserve(0, 33));
    assert_eq!(pages.slot(0, 32), Some(32));
}

#[test]
fn the_lowest_free_page_is_taken_first() {
    let mut pages = Pages::new(16, 3, 8);
    assert!(pages.reserve(0, 48) && pages.reserve(1, 16) && pages.reserve(2, 16));
    pages.release(1);
    pages.release(0);
    assert_eq!(pages.demand(2, 65), Some(5), "free pages are used before the cache grows");
    assert!(pages.reserve(2, 65));
    assert_eq!([16, 32, 48, 64].map(|position| pages.slot(2, position)), [0, 16, 32, 48].map(Some));
    assert_eq!(pages.demand(1, 16), Some(6));
}

#[test]
fn pages_behind_the_window_go_back_once() {
    let mut pages = Pages::new(4, 2, 100);
    assert!(pages.reserve(0, 48));
    pages.forget(0, 31);
    assert_eq!((pages.slot(0, 15), pages.slot(0, 16)), (None, Some(16)));
    assert_eq!(pages.available(), 2);
    pages.forget(0, 31);
    pages.forget(0, 16);
    assert_eq!(pages.available(), 2);
    // The sequence runs on for longer than the cache is.
    for tokens in 49..1000 {
        pages.forget(0, tokens - 32);
        assert!(pages.reserve(0, tokens), "{tokens}");
    }
    pages.forget(0, u32::MAX);
    assert_eq!(pages.available(), 4);
    pages.release(0);
    assert_eq!(pages.available(), 4);
}

#[test]
fn shared_pages_stay_until_the_last_holder_goes() {
    let mut pages = Pages::new(4, 3, 4);
    assert!(pages.reserve(0, 40));
    let kept = [0, 1].map(|index| pages.keep(0, index));
    assert_eq!((kept, pages.keep(0, 3)), ([Some(0), Some(1)], None));
    pages.adopt(1, &kept);
    pages.release(0);
    assert_eq!((pages.slot(1, 31), pages.slot(1, 32), pages.available()), (Some(31), None, 2));
    assert!(pages.reserve(1, 33), "its own page from here on");
    pages.free(0);
    pages.free(1);
    assert_eq!(pages.available(), 1, "the sequence still holds them");
    pages.forget(1, 16);
    assert_eq!(pages.available(), 2);
    assert_eq!(pages.keep(1, 0), None, "its beginning is gone");
    pages.release(1);
    assert_eq!(pages.available(), 4);
}

#[test]
fn a_beginning_that_no_row_sees_may_be_missing() {
    let mut pages = Pages::new(4, 2, 4);
    assert!(pages.reserve(0, 48));
    let kept = pages.keep(0, 2);
    pages.release(0);
    assert_eq!(pages.available(), 3);
    pages.adopt(1, &[None, None, kept]);
    assert_eq!([15, 16, 32, 47, 48].map(|position| pages.slot(1, position)), [None, None, Some(32), Some(47), None]);
    assert_eq!(pages.changes(1), Some(Change { first: 0, pages: &[0, 0, 2] }));
    assert!(pages.reserve(1, 49) && pages.slot(1, 48) == Some(0));
    pages.release(1);
    pages.free(2);
    assert_eq!(pages.available(), 4);
}

#[test]
fn changes_are_told_once() {
    let mut pages = Pages::new(8, 2, 8);
    assert_eq!(pages.changes(1), None);
    assert!(pages.reserve(1, 17));
    assert_eq!(pages.changes(1), Some(Change { first: 0, pages: &[0, 1] }));
    assert_eq!(pages.changes(1), None);
    assert!(pages.reserve(1, 33));
    assert_eq!(pages.changes(1), Some(Change { first: 2, pages: &[2] }));
    pages.release(1);
    assert!(pages.reserve(1, 1));
    assert_eq!(pages.changes(1), Some(Change { first: 0, pages: &[0] }), "a new sequence in the same row");
}
