// The weight matrix: N rows (output features) of K elements (input features). K is a multiple of 4.
const N: u32 = 64u;
const K: u32 = 64u;
