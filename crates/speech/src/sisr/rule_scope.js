// The variables of one rule (SISR 1.0 section 4): out, rules, meta. `sisr$rule` makes them; the rest is its own.
var sisr$rule = (function () {
  'use strict';
  var create = Object.create;
  return function (textOf, from, to, score) {
    var initial = {};
    var latest;
    var latestMeta;
    var referred = false;
    var at = to;
    var rules = create(null);
    var meta = create(null);
    rules.latest = function () { return latest; };
    meta.current = function () { return { text: textOf(from, at), score: score }; };
    meta.latest = function () { return latestMeta; };
    return {
      out: initial,
      rules: rules,
      meta: meta,
      at: function (end) { at = end; },
      ref: function (name, value, start, end, sure) {
        referred = true;
        latest = value;
        latestMeta = { text: textOf(start, end), score: sure };
        if (name !== 'latest') {
          rules[name] = value;
          if (name !== 'current') meta[name] = latestMeta;
        }
      },
      end: function (out, dollar) {
        // `$` is the rule variable of the drafts before 1.0.
        if (dollar !== initial) out = dollar;
        if (out !== initial) return out;
        for (var name in initial) return out;
        return referred ? latest : textOf(from, to);
      }
    };
  };
})();
