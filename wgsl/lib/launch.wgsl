// The uniform block that every kernel is launched with. Its members come from `plan`.
#import plan/launch

@group(0) @binding(0) var<uniform> launch: Launch;
