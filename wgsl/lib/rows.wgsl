// What the host says of each row of a step. The members of a row come from `plan`.
#import plan/row

@group(0) @binding(1) var<storage, read> rows: array<Row>;
