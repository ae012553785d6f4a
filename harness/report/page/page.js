/* Sorting, searching, and the rows that a page has as data alone. Nothing on the page needs it. */
(function () {
    "use strict";

    var PAGE_ROWS = 200;

    function make(name, attributes, text) {
        var element = document.createElement(name);
        Object.keys(attributes || {}).forEach(function (key) {
            element.setAttribute(key, attributes[key]);
        });
        if (text !== undefined)
            element.textContent = text;
        return element;
    }

    /* Lines may end behind commas. */
    function makeKey(text) {
        var code = make("code");
        text.split(",").forEach(function (part, place, parts) {
            if (place)
                code.appendChild(document.createElement("wbr"));
            code.appendChild(document.createTextNode(part + (place < parts.length - 1 ? "," : "")));
        });
        return code;
    }

    /* NaN above infinity above numbers; what is not known below all. */
    function numberOf(value) {
        if (typeof value === "number")
            return value;
        if (value === "nan")
            return Infinity;
        if (value === "inf")
            return Number.MAX_VALUE;
        if (value === "-inf")
            return -Number.MAX_VALUE;
        var number = parseFloat(value);
        return value === null || isNaN(number) ? -Infinity : number;
    }

    function compare(a, b) {
        return a < b ? -1 : a > b ? 1 : 0;
    }

    /* Every word must be there; -word must not. */
    function matcher(query) {
        var words = query.toLowerCase().split(/\s+/).filter(function (word) {
            return word && word !== "-";
        });
        return function (text) {
            return words.every(function (word) {
                return word[0] === "-" ? text.indexOf(word.slice(1)) < 0 : text.indexOf(word) >= 0;
            });
        };
    }

    /* ---- where rows come from: elements of the table, or its data --------------------------------------------- */

    function RowsOfTable(body) {
        this.body = body;
        this.rows = Array.prototype.slice.call(body.rows);
    }
    RowsOfTable.prototype.value = function (row, column, isNumber) {
        var cell = row.cells[column];
        return isNumber ? numberOf(cell.title || cell.textContent) : cell.textContent;
    };
    RowsOfTable.prototype.text = function (row) {
        if (row.searched === undefined)
            row.searched = Array.prototype.map.call(row.cells, function (cell) {
                return cell.textContent;
            }).join(" ").toLowerCase();
        return row.searched;
    };
    RowsOfTable.prototype.show = function (rows) {
        var body = this.body;
        while (body.firstChild)
            body.removeChild(body.firstChild);
        rows.forEach(function (row) {
            body.appendChild(row);
        });
    };

    function RowsOfData(body, heads, data) {
        this.body = body;
        this.heads = heads;
        this.words = data.words;
        this.rows = data.rows;
        this.texts = new Map();
        this.tones = {pass: "good", xfail: "expected", fail: "bad", xpass: "bad", error: "bad",
                      skip: "expected"};
    }
    RowsOfData.prototype.isWord = function (column) {
        return column > 0 && !this.heads[column].classList.contains("n");
    };
    RowsOfData.prototype.value = function (row, column, isNumber) {
        return isNumber ? numberOf(row[column]) : this.isWord(column) ? this.words[row[column]] : row[column];
    };
    RowsOfData.prototype.text = function (row) {
        var text = this.texts.get(row);
        if (text === undefined) {
            text = row.map(function (value, column) {
                return this.isWord(column) ? this.words[value] : value === null ? "-" : value;
            }, this).join(" ").toLowerCase();
            this.texts.set(row, text);
        }
        return text;
    };
    RowsOfData.prototype.show = function (rows) {
        var fragment = document.createDocumentFragment();
        rows.forEach(function (row) {
            var line = make("tr");
            row.forEach(function (value, column) {
                var text = this.isWord(column) ? this.words[value] : value === null ? "-" : String(value);
                var cell = make(column ? "td" : "th", column ? {} : {scope: "row"});
                if (column === 0) {
                    cell.appendChild(makeKey(text));
                    cell.className = "key";
                } else {
                    cell.textContent = text;
                }
                if (this.heads[column].classList.contains("n"))
                    cell.className = "n";
                else if (column === 1 && this.tones[text])
                    cell.className = this.tones[text];
                line.appendChild(cell);
            }, this);
            fragment.appendChild(line);
        }, this);
        while (this.body.firstChild)
            this.body.removeChild(this.body.firstChild);
        this.body.appendChild(fragment);
    };

    /* ---- a table ---------------------------------------------------------------------------------------------- */

    function enhance(holder) {
        var table = holder.querySelector("table"), body = table.tBodies[0];
        var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
        var script = holder.querySelector("script");
        var source = script ? new RowsOfData(body, heads, JSON.parse(script.textContent)) : new RowsOfTable(body);
        var searched = holder.classList.contains("searched") && source.rows.length > 3;
        var state = {column: -1, descending: false, query: "", first: 0};
        var count, back, on;
        if (source.rows.length < 3)
            return;

        function update() {
            var rows = source.rows.slice(), matches = matcher(state.query);
            if (state.query)
                rows = rows.filter(function (row) {
                    return matches(source.text(row));
                });
            if (state.column >= 0) {
                var isNumber = heads[state.column].classList.contains("n"), sign = state.descending ? -1 : 1;
                rows = rows.map(function (row) {
                    return {row: row, value: source.value(row, state.column, isNumber)};
                }).sort(function (a, b) {
                    return sign * compare(a.value, b.value);
                }).map(function (entry) {
                    return entry.row;
                });
            }
            var shown = script ? rows.slice(state.first, state.first + PAGE_ROWS) : rows;
            if (script || state.touched)
                source.show(shown);
            state.touched = true;
            if (!searched)
                return;
            count.textContent = script && rows.length > PAGE_ROWS
                ? (state.first + 1) + " to " + (state.first + shown.length) + " of " + rows.length + " rows"
                : rows.length + " of " + source.rows.length + " rows";
            if (script) {
                back.disabled = state.first === 0;
                on.disabled = state.first + PAGE_ROWS >= rows.length;
            }
        }

        function sortBy(column) {
            var number = heads[column].classList.contains("n");
            state.descending = state.column === column ? !state.descending : number;
            state.column = column;
            state.first = 0;
            heads.forEach(function (head, place) {
                if (place === column)
                    head.setAttribute("aria-sort", state.descending ? "descending" : "ascending");
                else
                    head.removeAttribute("aria-sort");
            });
            update();
        }

        heads.forEach(function (head, column) {
            var button = make("button", {type: "button"}, head.textContent);
            button.addEventListener("click", function () {
                sortBy(column);
            });
            head.textContent = "";
            head.appendChild(button);
        });
        if (searched) {
            var tools = make("div", {"class": "tools"});
            var input = make("input", {type: "search", placeholder: "Search: words, -word to leave out",
                                       "aria-label": "Search in this table"});
            count = make("span", {role: "status"});
            tools.appendChild(input);
            tools.appendChild(count);
            input.addEventListener("input", function () {
                state.query = input.value;
                state.first = 0;
                update();
            });
            if (script) {
                back = make("button", {type: "button"}, "Back");
                on = make("button", {type: "button"}, "On");
                back.addEventListener("click", function () {
                    state.first = Math.max(0, state.first - PAGE_ROWS);
                    update();
                });
                on.addEventListener("click", function () {
                    state.first += PAGE_ROWS;
                    update();
                });
                tools.appendChild(back);
                tools.appendChild(on);
            }
            holder.insertBefore(tools, holder.firstChild);
        }
        if (script) {
            var left = holder.querySelector(".left"), caption = table.caption;
            if (left)
                left.hidden = true;
            caption.textContent = caption.textContent.replace(/ \(\d+ of \d+ rows\)$/, "");
        }
        if (searched)
            update();
    }

    /* ---- points that did not pass ----------------------------------------------------------------------------- */

    function enhanceItems(section) {
        var items = Array.prototype.slice.call(section.querySelectorAll(".item"));
        if (items.length < 4)
            return;
        var tools = make("div", {"class": "tools"});
        var input = make("input", {type: "search", placeholder: "Search: words, -word to leave out",
                                   "aria-label": "Search in these points"});
        var count = make("span", {role: "status"}, items.length + " points");
        input.addEventListener("input", function () {
            var matches = matcher(input.value), shown = 0;
            items.forEach(function (item) {
                item.hidden = !matches(item.textContent.toLowerCase());
                shown += item.hidden ? 0 : 1;
            });
            count.textContent = shown + " of " + items.length + " points";
        });
        tools.appendChild(input);
        tools.appendChild(count);
        section.insertBefore(tools, items[0]);
    }

    Array.prototype.forEach.call(document.querySelectorAll(".table"), enhance);
    Array.prototype.forEach.call(document.querySelectorAll("section"), enhanceItems);
})();
