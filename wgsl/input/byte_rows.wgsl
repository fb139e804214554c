// The layout of rows in int8: the words of all groups of 32 elements, then the scales, up to a multiple of four words.
#import lib/shape

const BYTE_GROUPS: u32 = (K + 31u) / 32u;
const GROUP_QUADS: u32 = 8u; // fours of a group, and words
const GROUP_EIGHTS: u32 = 4u;
const BYTE_WORDS: u32 = BYTE_GROUPS * GROUP_QUADS + (BYTE_GROUPS + 3u) / 4u * 4u; // of a row
