// Sends the forms. If the server asks for a proof (401), asks the user for it and sends the form again.

const PROOFS = {
    'reauthentication-required': {
        url: '/reauthenticate', name: 'password', type: 'password', text: 'Your password, please:',
    },
    'step-up-required': {
        url: '/step-up', name: 'code', type: 'text', text: 'A code of your authenticator app, please:',
    },
};

/** The response, after the user has proved what the server asked for; `null` if they did not want to. */
async function send(url, options) {
    for (;;) {
        const response = await fetch(url, options);
        if (response.status !== 401) {
            return response;
        }
        const { type } = await response.json();
        const proof = PROOFS[type.split('#').pop()];
        if (!proof) {
            // Logged out meanwhile.
            location.assign('/');
            return null;
        }
        if (!await ask(proof)) {
            return null;
        }
    }
}

/** Asks until the server accepts the proof, or the user cancels. */
async function ask({ url, name, type, text }) {
    const dialog = document.querySelector('dialog');
    const [form, input] = [dialog.querySelector('form'), dialog.querySelector('input')];
    const error = dialog.querySelector('[role=alert]');
    dialog.querySelector('span').textContent = text;
    [input.name, input.type, input.value, error.textContent] = [name, type, '', ''];
    dialog.returnValue = '';
    dialog.showModal();
    return new Promise((resolve) => {
        form.onsubmit = async (event) => {
            if (event.submitter?.value === 'cancel') {
                return; // The dialog closes.
            }
            event.preventDefault();
            const response = await fetch(url, { method: 'POST', body: fields(form) });
            if (response.ok) {
                dialog.close('proved');
            } else if (response.status === 401) {
                location.assign('/');
            } else {
                error.textContent = await reason(response);
            }
        };
        dialog.onclose = () => resolve(dialog.returnValue === 'proved');
    });
}

const fields = (form) => new URLSearchParams(new FormData(form));

/** Why the server refused: its own text, or a problem document (RFC 9457) of the library. */
async function reason(response) {
    const isProblem = response.headers.get('Content-Type') === 'application/problem+json';
    return isProblem ? (await response.json()).title : response.text();
}

document.addEventListener('submit', async (event) => {
    const form = event.target;
    if (form.method === 'dialog') {
        return;
    }
    event.preventDefault();
    const response = await send(form.action, { method: 'POST', body: fields(form) });
    if (response?.ok) {
        // A redirect names the next page; without one, it is this page again.
        location.assign(response.redirected ? response.url : location.href);
    } else if (response) {
        document.querySelector('#error').textContent = await reason(response);
    }
});

// This page is in place of one that needs a proof.
if (document.querySelector('[data-retry]')) {
    const response = await send(location.href);
    location.replace(response?.ok ? location.href : '/');
}
