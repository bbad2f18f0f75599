"""The words in memory: they find what LanceDB's text index finds, with the same scores."""

import random
from pathlib import Path

import lancedb
import numpy as np
import pytest

from fleetlore.server.settings import utc_now
from fleetlore.storage.embedding import load_embedder
from fleetlore.storage.identifiers import new_item_id
from fleetlore.storage.rows import IndexedItem
from fleetlore.storage.search import LEG_LIMIT, Filter
from fleetlore.storage.spaces import KnowledgeSpaces
from fleetlore.storage.table_rows import searchable
from fleetlore.storage.word_index import WordIndex
from fleetlore.storage.words import TOKENIZER, words_of

DOCS = Path(__file__).parents[2] / "docs"
ODD = (
    "Straße, Ærøskøbing und ǅ: naïve_Çalışma wie im İstanbul des Οδυσσεύς",
    "日本語のテスト、データベース。 再起動 हिन्दी में लिखा हुआ पाठ",
    "½ of ① items, x² and ﬁnally Ⅷ; e\u0301tude, zero\u200bwidth, soft\u00adhyphen",
    f"{'a' * 39} {'b' * 40} {'é' * 20} {'ü' * 35} {'c' * 70} {'漢' * 80}",
    "again and again and again and again the daemon, daemon",
    "snake_case-kebab.dotted/path\\back@3.14 ERR_42 0x7f 1e-9 user's don't",
    "___ --- …",
)


@pytest.fixture(scope="module")
def texts():
    parts = [part for page in sorted(DOCS.glob("*.md")) for part in page.read_text("utf-8").split("\n\n")]
    return [*ODD, *parts[:600]]


def test_the_words_of_a_text_are_those_that_lancedb_makes_of_it(texts):
    characters = "".join(chr(code) for code in range(1, 0x30000) if not 0xD800 <= code < 0xE000)
    pieces = [characters[start : start + 40] for start in range(0, len(characters), 40)]
    for text in [*texts, *pieces, *(f"x{'x'.join(piece)}" for piece in pieces)]:
        assert words_of(text) == [token.text for token in lancedb.tokenize(text, **TOKENIZER)], text


@pytest.mark.parametrize("taken_out", [0, 150])
async def test_memory_and_table_give_the_same_answer(tmp_path, texts, taken_out):
    items = [_item(text, number) for number, text in enumerate(texts)]
    gone, index = items[1 : 1 + taken_out], WordIndex()
    for start in range(0, len(items), 90):
        index.append([searchable(item) for item in items[start : start + 90]])
    dead = np.arange(1, 1 + taken_out)
    own = np.array([row for row in range(len(items)) if row % 40 == 0 and row not in dead])
    many = np.array([row for row in range(len(items)) if row % 3 and row not in dead])
    chance = random.Random(7)
    async with KnowledgeSpaces.open(tmp_path, embedder=load_embedder("wordllama-64"), generation=1) as spaces:
        async with spaces.writing():
            await spaces.add("prompt", [item for item in items if item not in gone])
            await spaces.optimize("prompt")
        for text in [*ODD, *(_question(chance, text) for text in texts[:: len(texts) // 60])]:
            for where, among in ((Filter(), None), (Filter(owner="few"), own), (Filter(task_type="many"), many)):
                legs = await spaces.search("prompt", text=text, vector=np.zeros(64, dtype=np.float32), where=where)
                rows, scores = index.view(dead).best(text, LEG_LIMIT, among)
                memory = dict(zip([items[row].id for row in rows], scores.tolist(), strict=True))
                assert list(memory.values()) == pytest.approx(list(legs.text.values()), rel=1e-5), text
                # Of equals at the end either may be shown.
                last = min(memory.values(), default=0) * (1 + 1e-5)
                assert _above(memory, last) == _above(legs.text, last), text


def test_a_view_stays_what_it_was_whatever_is_added_or_taken_out():
    chance = random.Random(2)
    vocabulary = [f"word{chr(97 + number % 26)}{number}" for number in range(300)]
    index, texts, dead, seen = WordIndex(), [], np.zeros(0, dtype=np.int64), []
    for _ in range(30):
        added = [" ".join(chance.choices(vocabulary, k=chance.randrange(12))) for _ in range(chance.choice([1, 40]))]
        index.append(added)
        texts += added
        question = " ".join(chance.choices(vocabulary, k=6))
        if chance.random() < 0.3:
            index.keep(np.delete(np.arange(len(texts)), dead))
            texts, dead = [text for row, text in enumerate(texts) if row not in dead], dead[:0]
        else:
            dead = np.union1d(dead, np.array(chance.sample(range(len(texts)), len(texts) // 9), dtype=np.int64))
        alone = WordIndex()
        alone.append(["" if row in dead else text for row, text in enumerate(texts)])
        expected = alone.view(dead[:0]).best(question, 10)
        seen.append((index.view(dead), question, expected))
    for view, question, (rows, scores) in seen:
        found, values = view.best(question, 10)
        assert values == pytest.approx(scores)
        assert found.tolist() == rows.tolist()


def _item(text, number):
    return IndexedItem(
        seq=0,
        id=new_item_id(utc_now()),
        owner="few" if number % 40 == 0 else "other",
        task_type="many" if number % 3 else "",
        tags=(),
        insight=text,
        applies_when="",
    )


def _question(chance, text):
    words = text.split()
    return " ".join(chance.sample(words, min(len(words), chance.choice([3, 12, 40]))))


def _above(scores, least):
    return {item: pytest.approx(score, rel=1e-5) for item, score in scores.items() if score > least}
