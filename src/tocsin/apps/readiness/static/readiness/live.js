// Keeps a part of a page live: asks for it every two seconds and puts it in place when it differs.
(function () {
  var place = document.querySelector('[data-live]')
  if (!place) return
  var stale = document.getElementById('live-stale')
  var last = null
  function ask() {
    fetch(place.dataset.live, { headers: { 'X-Requested-With': 'fetch' }, credentials: 'same-origin' })
      .then(function (answer) {
        // Signed out: what was led to is the page for signing in, and no part of this one.
        if (answer.redirected) throw new Error('redirected')
        if (!answer.ok) throw new Error(String(answer.status))
        return answer.text()
      })
      .then(function (text) {
        stale.hidden = true
        var isUsed = place.contains(document.activeElement)
        if (text !== last && !isUsed) {
          place.innerHTML = text
          last = text
        }
        if (!place.querySelector('[data-ended]')) window.setTimeout(ask, 2000)
      })
      .catch(function () {
        stale.hidden = false
        window.setTimeout(ask, 2000)
      })
  }
  window.setTimeout(ask, 1000)
})()
