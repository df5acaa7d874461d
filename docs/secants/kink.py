"""Draws one kink, for README.md: python3 docs/secants/kink.py > docs/secants/kink.svg"""

WIDTH, HEIGHT = 640, 250
FROM, KINK, TO = 0.15, 0.55, 0.85  # the interval's ends, and where the unit wakes up


def place(alpha, height):
    return 40 + alpha * (WIDTH - 80), HEIGHT - 45 - height * 150


def relu(alpha):
    return max(0.0, (alpha - KINK) / (1 - KINK))


def line(points, style):
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" {style}/>'


def text(x, y, words, anchor="middle"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'


def main():
    a, b = place(FROM, relu(FROM)), place(TO, relu(TO))
    base = place(0, 0)[1]
    shapes = [
        line([place(0, 0), place(1, 0)], 'stroke="#999"'),
        line([place(0, 0), place(KINK, 0), place(1, 1)], 'stroke="#6b21a8" stroke-width="3"'),
        line([a, b], 'stroke="#c2410c" stroke-width="2" stroke-dasharray="7 5"'),
        *(line([(x, base), (x, base + 6)], 'stroke="#555"') for x in (a[0], place(KINK, 0)[0], b[0])),
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#c2410c"/>' for x, y in (a, b)),
        text(a[0], base + 24, "α"),
        text(place(KINK, 0)[0], base + 24, "kink"),
        text(b[0], base + 24, "β"),
        text(place(0.3, 0)[0], base - 10, "derivative 0"),
        text(place(0.99, 0)[0], place(0, 1.05)[1], "derivative 1", "end"),
        text(place(0.47, 0)[0], place(0, 0.34)[1], "secant: their mean", "end"),
    ]
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="14">')
    print('<title>A rectifier along a path, its kink, and the secant of an interval around it</title>')
    print(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>')
    print("\n".join(shapes))
    print("</svg>")


if __name__ == "__main__":
    main()
