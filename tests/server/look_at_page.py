"""Opens the page in a browser, asks every model, and prints what is seen, as JSON. Runs where Playwright is installed.

python look_at_page.py CHROMIUM URL KEY
"""

from __future__ import annotations

import json
import sys
from typing import Any

QUESTION = "How long does the ferry take?"  # of the index that test_browser.py makes
VIEWS = (("light", 1_100, 760), ("dark", 390, 1_100))


def look(chromium: str, url: str, key: str) -> list[dict[str, Any]]:
    """What each view shows of each model, what it could not show, and what was asked of anyone else."""
    from playwright.sync_api import sync_playwright

    seen = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme, width, height in VIEWS:
            context = browser.new_context(
                color_scheme=scheme,
                viewport={"width": width, "height": height},
                http_credentials={"username": "anyone", "password": key},
            )
            page = context.new_page()
            wrong: list[str] = []
            page.on("console", lambda message, wrong=wrong: wrong.append(message.text))
            page.on("pageerror", lambda error, wrong=wrong: wrong.append(str(error)))
            page.on("request", lambda one, wrong=wrong: one.url.startswith((url, "data:")) or wrong.append(one.url))
            page.goto(url)
            page.wait_for_selector("#model option", state="attached")
            answers = {}
            for name in page.eval_on_selector_all("#model option", "all => all.map(one => one.value)"):
                page.select_option("#model", name)
                if not page.locator("#fields [name]").first.input_value():  # a search has no question of its own
                    page.fill("#query", QUESTION)
                page.locator("#fields [name]").last.focus()
                page.keyboard.press("Control+Enter")
                page.locator("#meter", has_text="tokens").wait_for()
                answers[name] = page.inner_text("#answer")
                page.evaluate("document.getElementById('meter').textContent = ''")
            too_wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
            seen.append({"answers": answers, "wrong": wrong, "too_wide": too_wide, "curl": page.text_content("#curl")})
        browser.close()
    return seen


if __name__ == "__main__":
    print(json.dumps(look(*sys.argv[1:4])))
