"""The loss curve as an SVG, drawn by hand: it needs no library and is small."""

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 800, 420, 60, 50, 40, 20
PLOT_WIDTH, PLOT_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM


def loss_curve(curve, rounding):
    """SVG of (step, rate, loss) points on a logarithmic scale of the loss; `rounding` is the step from which weights are rounded."""
    import math

    steps = curve[-1][0]
    losses = [max(loss, 1e-4) for _, _, loss in curve]
    low, high = math.floor(math.log10(min(losses)) * 2) / 2, math.ceil(math.log10(max(losses)) * 2) / 2
    high = max(high, low + 0.5)

    def x(step):
        return LEFT + PLOT_WIDTH * step / steps

    def y(loss):
        return TOP + PLOT_HEIGHT * (high - math.log10(loss)) / (high - low)

    points = " ".join(f"{x(step):.1f},{y(loss):.1f}" for (step, _, _), loss in zip(curve, losses, strict=True))
    lines = []
    for index in range(round((high - low) * 2) + 1):
        loss = 10 ** (low + index / 2)
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(loss):.1f}" y2="{y(loss):.1f}"/>')
        lines.append(f'<text x="{LEFT - 8}" y="{y(loss) + 4:.1f}" text-anchor="end">{loss:.3g}</text>')
    for index in range(6):
        step = steps * index / 5
        lines.append(f'<text x="{x(step):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{step:.0f}</text>')
    style = (
        "text{font:13px sans-serif;fill:#555}.grid{stroke:#ddd}.mark{stroke:#999;stroke-dasharray:4 4}"
        ".curve{fill:none;stroke:#b5482a;stroke-width:1.5}.box{fill:#fff}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">\n'
        f"<style>{style}</style>\n"
        f'<rect class="box" width="{WIDTH}" height="{HEIGHT}"/>\n' + "\n".join(lines) + "\n"
        f'<line class="mark" x1="{x(rounding):.1f}" x2="{x(rounding):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>\n'
        f'<text x="{x(rounding) + 6:.1f}" y="{TOP + 14}">weights rounded to q4f16_1 from here</text>\n'
        f'<polyline class="curve" points="{points}"/>\n'
        f'<text x="{LEFT}" y="{TOP - 16}">loss of the assistant\'s tokens</text>\n'
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 12}" text-anchor="end">steps</text>\n</svg>\n'
    )
