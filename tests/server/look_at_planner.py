"""Opens the planner's page in a browser, asks it, and prints what is seen, as JSON. Runs where Playwright is installed.

python look_at_planner.py CHROMIUM URL KEY QUESTIONS.json [FOLDER for pictures]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

VIEWS = (("light", 1_200, 900), ("dark", 1_200, 900), ("light", 390, 900), ("dark", 390, 900))
ASKED = {"model": "bert-large", "device": "RTX 3060 12GB", "mode": "fine-tuning", "lengths": "384", "batch": "32"}
ANSWERS = """async (questions) => {
  const { readFormulas } = await import("/plan/formulas.js");
  const { answer } = await import("/plan/question.js");
  const table = readFormulas(await (await fetch("/plan/formulas.txt")).text());
  const facts = await (await fetch("/plan/facts.json")).json();
  return questions.map((question) => answer(table, facts, question));
}"""


def look(chromium: str, url: str, key: str, questions: str, pictures: str | None = None) -> dict[str, Any]:
    """What each view shows, what it could not show, what was asked of anyone else; and all answers."""
    from playwright.sync_api import sync_playwright

    views = []
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
            page.goto(f"{url}/plan")
            page.wait_for_selector("#numbers tr")
            first = page.inner_text("#verdict")
            for name, value in ASKED.items():
                (page.fill if name in ("lengths", "batch") else page.select_option)(f"#{name}", value)
            if pictures:
                page.screenshot(path=str(Path(pictures) / f"plan-{scheme}-{width}.png"), full_page=True)
            views.append(
                {
                    "first": first,
                    "verdict": page.inner_text("#verdict"),
                    "numbers": page.inner_text("#numbers"),
                    "pictures": page.eval_on_selector_all(
                        "svg[role=img]", "all => all.map(one => one.getAttribute('aria-label'))"
                    ),
                    "wrong": wrong,
                    "too_wide": page.evaluate("document.documentElement.scrollWidth > window.innerWidth"),
                }
            )
            page.fill("#lengths", "600")
            views[-1]["problem"] = page.inner_text("#problem")
            page.reload()
            page.wait_for_selector("#numbers tr")
            views[-1]["after_reload"] = page.inner_text("#verdict")
        answers = page.evaluate(ANSWERS, json.loads(Path(questions).read_text()))
        browser.close()
    return {"views": views, "answers": answers}


if __name__ == "__main__":
    print(json.dumps(look(*sys.argv[1:6])))
