"""What must hold for a page in a browser."""

import contextlib
from urllib.parse import urlsplit

import browser

# Nothing is measured while it moves or fades.
AT_REST = (
    "*, *::before, *::after { transition: none !important; animation: none !important }"
)

# Unfolds what is folded and loads what is not yet on the screen.
SHOW_ALL = """async () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
    const pictures = [...document.images];
    for (const picture of pictures) picture.loading = "eager";
    await Promise.all(pictures.map((picture) => picture.decode().catch(() => {})));
    return pictures.filter((p) => p.naturalWidth === 0).map((p) => p.src.slice(0, 200));
}"""

# What ends beyond the right edge, unless it scrolls in a box of its own that does not.
CUT_OFF = """() => {
    const edge = document.documentElement.clientWidth + 1;
    const scrolls = (e) => /auto|scroll/.test(getComputedStyle(e).overflowX);
    const cut = [];
    const visit = (e) => {
        const box = e.getBoundingClientRect();
        if (box.width > 0 && box.right > edge)
            cut.push(e.outerHTML.slice(0, 150) + " ends at " + Math.round(box.right));
        else if (!scrolls(e)) for (const child of e.children) visit(child);
    };
    for (const child of document.querySelector("main").children) visit(child);
    return cut;
}"""

# 0 is black and 1 is white.
LIGHTNESS = """() => {
    const color = getComputedStyle(document.body).backgroundColor;
    const parts = color.match(/[\\d.]+/g).slice(0, 3).map(Number);
    return (Math.max(...parts) + Math.min(...parts)) / 510;
}"""


@contextlib.contextmanager
def open_page(chromium, address, scheme):
    """Opens a page, light or dark, and yields it and a list of what it complains of."""
    host = urlsplit(address).netloc
    context = chromium.new_context(color_scheme=scheme)
    page, complaints = context.new_page(), []

    def answer(route):
        if urlsplit(route.request.url).netloc == host:
            route.continue_()
        else:
            complaints.append(f"requests {route.request.url[:200]} of another host")
            route.abort()

    def hear(message):
        if message.type == "error":
            complaints.append(f"console error: {message.text}")

    page.route(lambda url: urlsplit(url).scheme in ("http", "https"), answer)
    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
    try:
        page.goto(address, wait_until="load")
        page.add_style_tag(content=AT_REST)
        yield page, complaints
    finally:
        context.close()


def accessibility_complaints(axe, page):
    """What axe-core finds, of the rules of WCAG 2.1 A and AA."""
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
    found = axe.run(page, options={"runOnly": rules, "resultTypes": ["violations"]})
    return [
        f"{rule['id']}: {rule['help']}: {node['html'][:200]} {node['failureSummary']}"
        for rule in found.response["violations"]
        for node in rule["nodes"]
    ]


def layout_complaints(page, width):
    page.set_viewport_size({"width": width, "height": browser.HEIGHT})
    found = page.evaluate(CUT_OFF)
    wide = page.evaluate("document.scrollingElement.scrollWidth")
    if wide > width:
        found.append(f"the page is {wide} px wide")
    return [f"{width} px: {text}" for text in found]


def complaints_about(chromium, axe, address):
    """Everything that is wrong with a page, at each width, light and dark."""
    found = []
    for scheme in ("light", "dark"):
        with open_page(chromium, address, scheme) as (page, complaints):
            found += [f"has no picture {source}" for source in page.evaluate(SHOW_ALL)]
            lightness = page.evaluate(LIGHTNESS)
            if (lightness > 0.5) != (scheme == "light"):
                found.append(f"{scheme}: the ground has lightness {lightness:.2f}")
            widths = sorted(browser.WIDTHS, reverse=scheme == "dark")
            for width in widths:
                found += layout_complaints(page, width)
            wrong = accessibility_complaints(axe, page)
            found += [f"{scheme}, {widths[-1]} px: {text}" for text in wrong]
            found += complaints
    return list(dict.fromkeys(found))
