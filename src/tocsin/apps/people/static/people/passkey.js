// Shows passkey buttons only where the browser can use them, and says so when it fails.
(function () {
  var able = window.PublicKeyCredential && navigator.credentials
  document.querySelectorAll('[data-needs-passkey]').forEach(function (element) {
    element.hidden = !able
  })
  document.addEventListener('allauth.error', function (event) {
    event.preventDefault()
    var place = document.getElementById('passkey-problem')
    if (place) {
      place.hidden = false
      place.focus()
    }
  })
})()
