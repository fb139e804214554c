// The keys that a workgroup sees. Split attention cuts them into launch.splits parts of whole pages, so that parts never share a page.
#import plan/page

struct Part {
    begin: u32,
    end: u32, // behind the last
}

// Part `index` of the keys of rows at `first` to `last`.
fn part_of(first: u32, last: u32, index: u32) -> Part {
    let oldest = select(0u, first - (WINDOW - 1u), first >= WINDOW - 1u);
    let page0 = oldest / PAGE_SIZE;
    let share = (last / PAGE_SIZE + 1u - page0 + launch.splits - 1u) / launch.splits;
    return Part(max(PAGE_SIZE * (page0 + index * share), oldest), min(PAGE_SIZE * (page0 + (index + 1u) * share), last + 1u));
}
